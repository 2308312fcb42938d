"""Names of makes and models, and words that sellers and the register write after them.

What is compared with them: make_model.py. Source: the names of the real extract.
"""

from __future__ import annotations

import re

# What a make is called besides its name, without separators.
MAKES = {
    "VW": "VOLKSWAGEN",
    "VOLKSWAGENVW": "VOLKSWAGEN",
    "MERCEDESBENZ": "MERCEDES",
    "MERCEDESAMG": "MERCEDES",
    "DAIMLERBENZ": "MERCEDES",
    "MB": "MERCEDES",
    "ALFA": "ALFAROMEO",
    "LAND": "LANDROVER",
    "RANGEROVER": "LANDROVER",
    "LR": "LANDROVER",
    "DSAUTOMOBILES": "DS",
    "MCC": "SMART",
    "BMWMINI": "MINI",
    "CHEVY": "CHEVROLET",
    "GM": "GENERALMOTORS",
    "HARLEY": "HARLEYDAVIDSON",
    "HD": "HARLEYDAVIDSON",
    "KGM": "SSANGYONG",
    "TESLAMOTORS": "TESLA",
    "VESPA": "PIAGGIO",
    "BAYERISCHEMOTORENWERKE": "BMW",
    "MASSEYF": "MASSEYFERGUSON",
}
# A make that was, or is sold as, a name of another one; either stands for both.
ONE_HOUSE = frozenset(
    frozenset(pair)
    for pair in (
        ("DS", "CITROEN"), ("MINI", "BMW"), ("SMART", "MERCEDES"), ("ABARTH", "FIAT"),
        ("CUPRA", "SEAT"), ("ALPINE", "RENAULT"), ("VAUXHALL", "OPEL"),
        ("DAEWOO", "CHEVROLET"), ("POLESTAR", "VOLVO"),
    )
)  # fmt: skip
# The younger of a house: what the older one built besides is none of it.
MODELS_OF = {
    "DS": ("DS",), "MINI": ("MINI", "COOPER", "ONE"), "SMART": ("SMART", "FORTWO"),
    "CUPRA": ("CUPRA",), "ALPINE": ("ALPINE", "A110"), "ABARTH": ("ABARTH", "500"),
}  # fmt: skip
UNSAID = frozenset(("NONDEFINI", "INCONNU", "INCONNUE", "AUTRE", "AUTRES", "DIVERS"))

# Words that make another model of the one before them.
OTHER_BODIES = frozenset(
    (
        "PICASSO", "PICA", "PLURIEL", "SPACETOURER", "CACTUS", "AIRCROSS", "CROSSBACK", "SCENIC", "SCEN",
        "GRAND", "PLUS", "CROSS", "COUNTRYMAN", "CLUBMAN", "ALLROAD", "SPORTSVAN",
        "STEPWAY", "MCV", "TOURNEO", "CUSTOM", "COURIER", "CONNECT", "MAX",
        "MULTISPACE", "EXPRESS", "SPORT", "EVOQUE", "VELAR", "DEFENDER", "CABRIO",
        "CABRIOLET", "CC", "COUPE", "RXH", "GT86", "VERSO", "NOTE", "ELECTRIC",
    )
)  # fmt: skip
CUT_BODIES = ("SCEN", "PICA")
# Words that name no model: engine, trim, gearbox, doors and the seller's praise.
TRIMS = frozenset(
    (
        "DCI", "TCE", "TCI", "HDI", "BLUEHDI", "THP", "PURETECH", "VTI", "TDI", "TSI",
        "TFSI", "FSI", "CDI", "CRDI", "CDTI", "DTI", "DI", "TDCI", "ECOBOOST", "JTD",
        "MULTIJET", "GPL", "GNV", "HYBRID", "HYBRIDE", "ESSENCE", "DIESEL", "TURBO",
        "D", "TD", "I", "GTI", "GTD", "GT", "RS", "LINE", "PACK", "BUSINESS", "ZEN",
        "LIFE", "INTENS", "ALLURE", "ACTIVE", "ACCESS", "FEEL", "SHINE", "STYLE",
        "CONFORT", "CONFORTLINE", "EXPRESSION", "DYNAMIQUE", "PRIVILEGE", "ECO",
        "EDC", "DSG", "BVA", "BVM", "AUTO", "AUTOMATIQUE", "P", "PORTES", "PLACES",
        "CV", "CH", "KW", "NOUVELLE", "NOUVEAU", "NEW", "PHASE", "PH", "ESTATE",
        "BREAK", "SW", "BERLINE", "TOURER", "SOCIETE", "VOITURE", "STOP", "START",
    )
)  # fmt: skip
ROMAN = {
    "I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7, "VIII": 8, "IX": 9,
}  # fmt: skip
ENGINES = {
    word: fuel
    for fuel, words in {
        "diesel": (
            "DIESEL DCI BLUEDCI HDI BLUEHDI TDI SDI CDI CRDI CDTI DTI TDCI TDDI ECOBLUE "
            "JTD JTDM MULTIJET MJ DDIS DTEC GTD GLD GRD TD D"
        ),
        "petrol": (
            "ESSENCE TCE TSI TFSI FSI THP PURETECH VTI ECOBOOST TWINAIR MPI GDI TGDI VTEC "
            "VVTI GTI"
        ),
        "hybrid": "HYBRID HYBRIDE EHYBRID PHEV HEV GTE",
        "electric": "ELECTRIC ELECTRIQUE EV BEV",
    }.items()
    for word in words.split()
}  # fmt: skip
SPORTY = frozenset(
    ("RS", "GTI", "AMG", "VTS", "OPC", "VXR", "STI", "WRX", "NISMO", "JCW")
)  # fmt: skip
SPORTY_OF = {
    "BMW": frozenset("M"),
    "VOLKSWAGEN": frozenset(("R", "GTD", "GTE")),
    "PORSCHE": frozenset(("TURBO", "CARRERA")),
}
# It tells a 911 from a 911 TURBO, and is no more than the plain one.
UNPRETENDING = frozenset(("CARRERA",))
# GT LINE, PACK RS and M SPORT are the looks of what they are not.
LOOKS_AFTER = frozenset(("LINE", "LOOK", "PACK", "SPORT", "STYLING"))
LOOKS_BEFORE = frozenset(("LINE", "LOOK", "PACK", "KIT"))

# Numbers before these, and powers after an engine too, name no model.
POWERS = frozenset(("CH", "CV", "HP", "PS", "KW"))
COUNTED = frozenset(("KWH", "P", "PL", "PORTES", "PLACES", "V", "ANS"))
VALVES = frozenset((8, 12, 16, 20, 24))
# VULCAN 2000 is a motorcycle.
YEARS = frozenset(range(1980, 2030)) - {2000}
# Neither engine nor equipment nor body: nothing that another advert could not say too.
IDLE = frozenset(
    (
        "EDC", "DSG", "BVA", "BVM", "AUTO", "AUTOMATIQUE", "NOUVELLE", "NOUVEAU", "NEW",
        "PHASE", "PH", "VOITURE", "STOP", "START", "ECO",
    )
)  # fmt: skip
# What comes after these names the model, were it one letter.
LETTERED = ("SERIE", "CLASSE", "MODEL")
RANGES = frozenset((*LETTERED, "SUPER"))
OF_MAKE = {
    # RENAULT 5 is R5 in the register.
    "RENAULT": re.compile(r"\bR(?=\d{1,2}\b|\d{1,2}[A-Z])"),
}
# e-208, ë-C4, e-Golf: the same name, driven by electricity.
E_MODELS = frozenset(("PEUGEOT", "CITROEN", "VOLKSWAGEN", "FIAT", "NISSAN"))
