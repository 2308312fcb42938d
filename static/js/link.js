// The code of a link stands behind the # of its address, which browsers send nowhere: a
// click posts it, and nothing is sent before.
"use strict";
(() => {
  const code = location.hash.slice(1);
  if (!/^[A-Za-z0-9-]{27,}$/.test(code)) return;
  const field = document.getElementById("open")?.elements.code;
  if (field) {
    field.value ||= code;
    // An error speaks of the field: it is shown then.
    field.closest(".field").hidden = !field.hasAttribute("aria-invalid");
  }
  // The other language is the same link.
  document.querySelectorAll("a[hreflang]").forEach((link) => (link.hash = code));
  // Within the page the address stays what it is, to be opened on another device.
  document.querySelectorAll("a[href^='#']").forEach((link) => {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const target = document.getElementById(link.hash.slice(1));
      target.tabIndex = -1;
      target.focus();
      target.scrollIntoView();
    });
  });
})();
