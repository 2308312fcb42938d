// A row copied from a spreadsheet fills the form: names, then plate, then the formula
// number or the date of the certificate. Runs of tabs are one: empty cells are skipped.
"use strict";
(() => {
  const form = document.querySelector("form.panel");
  const date = /^\d{1,4}[\s./-]\S+[\s./-]\d{1,4}$|^\d{8}$/;
  const siren = /^(\d\s*){9}$|^(\d\s*){14}$/;

  const choose = (name, value) => {
    form.querySelector(`[name=${name}][value=${value}]`).checked = true;
  };
  const chosen = (name) => form.querySelector(`[name=${name}]:checked`)?.value;

  // Returns the value of each field, or null for what is no such row.
  const read = (text) => {
    const row = text.replace(/^[\r\n]+/, "").split(/[\r\n]/, 1)[0];
    const cells = row.split(/\t+/).map((cell) => cell.trim()).filter(Boolean);
    if (cells.length < 3 || cells.length > 4) return null;
    const proof = cells.pop();
    const plate = cells.pop();
    const [name, second] = cells;
    const register = date.test(proof) ? "FNI" : "SIV";
    const numbered = second !== undefined && siren.test(second);
    const company = numbered || (second === undefined && chosen("holder_kind") === "company");
    choose("register", register);
    choose("holder_kind", company ? "company" : "person");
    return {
      plate,
      [register === "FNI" ? "issue_date" : "formula_number"]: proof,
      [company ? "company_name" : "family_name"]: name,
      [company ? "siren" : "given_names"]: second ?? "",
    };
  };

  form.addEventListener("paste", (event) => {
    const text = event.clipboardData.getData("text/plain");
    const values = text.trim().includes("\t") ? read(text) : null;
    if (!values) return;
    event.preventDefault();
    for (const [name, value] of Object.entries(values)) form.elements[name].value = value;
    const said = document.getElementById("pasted");
    said.textContent = said.dataset.text;
  });
  document.getElementById("paste").hidden = false;
})();
