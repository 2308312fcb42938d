// Buttons that copy the text of an element, and say so; without a clipboard they stay
// hidden and the text is selected by hand.
"use strict";
document.querySelectorAll("[data-copy]").forEach((button) => {
  if (!navigator.clipboard) return;
  const source = document.getElementById(button.dataset.copy);
  const named = button.textContent;
  button.hidden = false;
  button.ariaLive = "polite";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.value ?? source.textContent);
    } catch {
      return;
    }
    button.textContent = button.dataset.done;
    setTimeout(() => (button.textContent = named), 4000);
  });
});
document.querySelectorAll("[data-print]").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
});
