// The code of a link stands behind the # of its address, which browsers send nowhere: a
// click posts it, and nothing is sent before.
"use strict";
(() => {
  const isCode = /^#[A-Za-z0-9-]{27,}$/;

  // What is pasted wins over what stands in the field, what was corrected by hand does not.
  const take = (pasted) => {
    if (!isCode.test(location.hash)) return;
    const field = document.getElementById("open")?.elements.code;
    if (field) {
      if (pasted || !field.value) field.value = location.hash.slice(1);
      // An error speaks of the field: it is shown then.
      field.closest(".field").hidden = !field.hasAttribute("aria-invalid");
    }
    // The other language is the same link.
    document.querySelectorAll("a[hreflang]").forEach((link) => (link.hash = location.hash));
  };

  // Within the page the address stays what it is, to be opened on another device.
  document.querySelectorAll("a[href^='#']").forEach((link) => {
    link.addEventListener("click", (event) => {
      if (!isCode.test(location.hash)) return;
      event.preventDefault();
      const target = document.getElementById(link.hash.slice(1));
      target.tabIndex = -1;
      target.focus();
      target.scrollIntoView();
    });
  });

  // Whoever had a link without its end pastes it whole, and no page is loaded for it.
  addEventListener("hashchange", take);
  take();
})();
