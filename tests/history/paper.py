"""Pages made by hand for what is printed: every kind of block, and little of anything."""

import dataclasses
import datetime as dt

from histovet.history.document import LinkOnPaper, Making
from histovet.history.page import (
    AlertShown,
    Event,
    Fact,
    Figure,
    Grid,
    Heading,
    Items,
    Paragraph,
    ReportPage,
    Row,
    Section,
    Table,
    Timeline,
)

SOURCE = "Registre des immatriculations, au 21 novembre 2026"
MAKING = Making(
    made_at=dt.datetime(2026, 11, 26, 13, 5, tzinfo=dt.UTC),
    verified_at="https://histovet.example/verifier-un-document",
)
LINK = LinkOnPaper(
    address="https://histovet.example/r/AAAAAAAAAAAAAAAA#ABCDEFGHIJKLMNOPQRSTUVWXYZ2",
    code="ABC-DEF-GHI-JKL-MNO-PQR-STU-VWX-YZ2",
    typed_at="https://histovet.example/acheteur",
    expires_at=dt.datetime(2026, 12, 21, 17, 40, tzinfo=dt.UTC),
)
CHART = """<svg xmlns="http://www.w3.org/2000/svg" width="640" height="280"
viewBox="0 0 640 280" role="img" aria-label="x"><g fill="#4a5a66" font-size="15"
font-family="Atkinson Hyperlegible Next, sans-serif"><text x="10" y="40">90 000</text>
<text x="140" y="270">2019</text></g><path d="M140 200L300 120L460 60L592 130"
fill="none" stroke="#0a5060" stroke-width="2.5"/><circle cx="592" cy="130" r="6"
fill="#fff" stroke="#9d1c14" stroke-width="2"/></svg>"""


def event(date, label, *, code="", tenure="", details=(), cancelled_on=None):
    is_cancelled = cancelled_on is not None
    return Event(date, label, code, tenure, details, is_cancelled, cancelled_on or "")


HISTORY = Section(
    "history",
    "Historique",
    SOURCE,
    (
        Timeline(
            (
                event("4 mai 2025", "Inscription d’un gage"),
                event(
                    "7 juillet 2024",
                    "Changement de titulaire",
                    tenure="titulaire n° 3, depuis 2 ans 4 mois",
                ),
                event("2 juillet 2024", "Achat ou reprise par un professionnel"),
                event("3 mars 2023", "", code="OPERATION_SANS_LIBELLE"),
                event(
                    "18 janvier 2022",
                    "Déclaration de cession",
                    cancelled_on="20 janvier 2022",
                ),
                event(
                    "18 janvier 2021",
                    "Procédure pour véhicule endommagé",
                    details=("dossier 12345", "expert 003344"),
                ),
                event(
                    "9 mars 2017",
                    "Première immatriculation d’un véhicule neuf",
                    tenure="titulaire n° 1, pendant 3 ans 10 mois",
                ),
            )
        ),
        Paragraph("Une opération interne n’est pas listée.", is_hint=True),
    ),
)
MILEAGE = Section(
    "mileage",
    "Kilométrage",
    "UTAC, contrôles techniques, au 20 novembre 2026",
    (
        Paragraph(
            "Le relevé de 2025 est inférieur de 23\u202f110\u00a0km à celui de 2023.",
            lead="Ce n’est pas une preuve de fraude.",
            badge="Incohérent",
            tone="grave",
        ),
        Figure(CHART, "Courbe des relevés de 2019 à 2025, avec une baisse en 2025."),
        Grid(
            "Les relevés du compteur",
            ("Date", "Contrôle", "Résultat", "Kilométrage"),
            (
                ("3 mars 2025", "Contrôle périodique", "Favorable", "61\u202f200 km"),
                ("6 mars 2023", "Contrôle périodique", "Majeures", "84\u202f310 km"),
            ),
        ),
    ),
)
SITUATION = Section(
    "situation",
    "Situation administrative",
    SOURCE,
    (
        Table(
            "Vol, gages, saisies, oppositions, suspensions et certificat",
            (
                Row("Véhicule volé", ("Non",)),
                Row("Gages", ("4 mai 2025 – BANQUE DES EXEMPLES", "1er juin 2025")),
                Row("Saisies", ("Aucune",)),
                Row("Oppositions", ("12 septembre 2026 – amende impayée",)),
                Row("Suspensions", ("Aucune",)),
                Row("Certificat volé", ("Non",)),
                Row("Certificat perdu", ("Non",)),
                Row("Certificat duplicata", ("Non renseigné",)),
            ),
        ),
        Heading("Sinistres"),
        Paragraph(
            "Seuls les sinistres graves sont au registre.", lead="Rien d’inscrit."
        ),
    ),
)
HOLDER = Section(
    "holder",
    "Titulaire et certificat",
    SOURCE,
    (
        Table(
            "Le titulaire, par ses initiales, et son certificat",
            (
                Row("Titulaire", ("M. J.",), "C.1"),
                Row("Code postal", ("75011",)),
                Row("Date du certificat", ("7 juillet 2024",), "I"),
                Row("Première immatriculation", ("9 mars 2017",), "B"),
            ),
        ),
    ),
)
_BOXES = [
    ("D.1", "Marque", "PEUGEOT"),
    ("D.2", "Type, variante, version", "CCHMZ6"),
    ("D.3", "Dénomination commerciale", "208"),
    ("E", "Numéro d’identification (VIN)", "VF3CCHMZ6••••••12"),
    ("F.1", "Masse en charge maximale", "1\u202f530 kg"),
    ("F.2", "Masse en charge maximale en service", "1\u202f530 kg"),
    ("F.3", "Masse maximale de l’ensemble", "2\u202f580 kg"),
    ("G", "Masse en service", "1\u202f050 kg"),
    ("G.1", "Poids à vide", "975 kg"),
    ("J", "Catégorie européenne", "M1 – voiture de tourisme"),
    ("J.1", "Genre national", "VP – voiture particulière"),
    ("J.2", "Carrosserie européenne", "AB"),
    ("J.3", "Carrosserie nationale", "CI – conduite intérieure"),
    ("K", "Numéro de réception", "e2*2007/46*0070*12"),
    ("P.1", "Cylindrée", "1\u202f199 cm³"),
    ("P.2", "Puissance nette maximale", "60 kW"),
    ("P.3", "Énergie", "ES – essence"),
    ("P.6", "Puissance administrative", "5 CV"),
    ("Q", "Rapport puissance / masse", "Non renseigné"),
    ("S.1", "Places assises", "5"),
    ("S.2", "Places debout", "Non renseigné"),
    ("U.1", "Niveau sonore à l’arrêt", "76 dB(A)"),
    ("U.2", "Vitesse du moteur", "4\u202f313 min⁻¹"),
    ("V.7", "CO₂", "99 g/km"),
    ("V.9", "Classe environnementale", "715/2007*2015/45EURO6"),
]
VEHICLE = Section(
    "vehicle",
    "Véhicule",
    SOURCE,
    (
        Table(
            "Les rubriques du certificat",
            tuple(Row(label, (value,), box) for box, label, value in _BOXES),
        ),
    ),
)
SCOPE = Section(
    "scope",
    "Ce que ce rapport ne dit pas",
    "",
    (
        Items(
            (
                "Les accidents sans expert, les réparations et l’entretien.",
                "Le kilométrage entre deux contrôles techniques.",
                "Les amendes impayées qui n’ont pas donné d’opposition.",
            )
        ),
    ),
)
RICH = ReportPage(
    for_holder=True,
    name="PEUGEOT 208\u00a0– essence, 5\u00a0CV",
    plate="EK-7••-QD",
    first_registration="9\u00a0mars 2017",
    as_of="21\u00a0novembre 2026",
    as_of_date=dt.date(2026, 11, 21),
    verdict="blocked",
    verdict_title="Ce véhicule ne peut pas être vendu en l’état",
    verdict_text="Réglez d’abord ce qui suit, puis rouvrez ce rapport\u202f: "
    "il suit le registre.",
    cancelled_on="",
    alerts=(
        AlertShown(
            "blocking",
            "Bloquant",
            "Véhicule gagé (2)",
            ("4 mai 2025", "1er juin 2025"),
            (),
            "Un créancier a des droits sur ce véhicule.",
            "Soldez le crédit, ou demandez la mainlevée au créancier.",
        ),
        AlertShown(
            "check",
            "À vérifier",
            "Opération inconnue",
            (),
            ("CODE_INCONNU",),
            "Le registre porte un code que ce site ne sait pas lire.",
            "Demandez ce qu’il veut dire à France Titres (ANTS).",
        ),
        AlertShown(
            "note",
            "Pour information",
            "Véhicule importé",
            ("juin 2019",),
            (),
            "Il a été immatriculé à l’étranger avant de l’être en France.",
            "Montrez les papiers étrangers à l’acheteur.",
        ),
    ),
    facts=(
        Fact("Titulaires", "3", "vous compris"),
        Fact("Titulaire depuis", "2\u00a0ans 4\u00a0mois", "7 juillet 2024"),
        Fact("Dernier relevé", "61\u202f200\u00a0km", "contrôle du 3 mars 2025"),
        Fact("Prochain contrôle", "mars 2027", "au plus tard le 3 mars"),
    ),
    sections=(HISTORY, MILEAGE, SITUATION, HOLDER, VEHICLE, SCOPE),
)
CLEAN = dataclasses.replace(
    RICH,
    verdict="clear",
    verdict_title="Rien à signaler",
    verdict_text="Ni vol, ni gage, ni opposition au registre\u202f: rien n’empêche la "
    "vente.",
    alerts=(),
    sections=(SITUATION, HOLDER, SCOPE),
)
CANCELLED = dataclasses.replace(
    RICH, verdict="cancelled", cancelled_on="2 février 2025", alerts=(), sections=()
)
