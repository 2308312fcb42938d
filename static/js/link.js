// The code of a link stands behind the # of its address, which browsers send nowhere: a
// click posts it. Nothing is sent before.
"use strict";
(() => {
  const code = decodeURIComponent(location.hash.slice(1));
  const form = document.getElementById("open");
  if (!code) return;
  const field = form.elements.code;
  field.value ||= code;
  // An error speaks of the field: it is shown then.
  if (!field.hasAttribute("aria-invalid")) field.closest(".field").hidden = true;
  // The other language is the same link.
  document.querySelectorAll("a[hreflang]").forEach((link) => (link.hash = location.hash));
})();
