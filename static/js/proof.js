// The browser works for its answer: altcha's own worker counts until it has found what the
// challenge asks, and the form brings it. Where that cannot be, the page says how long to wait.
"use strict";
(() => {
  const asked = document.getElementById("proof");
  const form = asked.closest("form");
  const wait = document.getElementById("wait");
  const said = document.getElementById("work");
  const challenge = JSON.parse(asked.dataset.challenge);
  let isWorking = false;
  let sender = null;

  // As altcha's widget writes it. What stands in it is ASCII.
  const answered = (solution) => {
    form.elements.altcha.value = btoa(JSON.stringify({ challenge, solution }));
  };

  const end = (solution) => {
    if (!isWorking) return;
    isWorking = false;
    if (solution?.derivedKey) {
      answered(solution);
      said.textContent = said.dataset.done;
    } else {
      said.textContent = "";
      wait.hidden = false;
    }
    // Without a proof the page that comes says how long is left to wait.
    if (sender) form.requestSubmit(sender);
  };

  // Over plain http browsers have no such work to offer.
  if (!crypto.subtle) return;
  let worker;
  try {
    worker = new Worker(asked.dataset.worker);
  } catch {
    return;
  }
  worker.addEventListener("message", (event) => {
    worker.terminate();
    end(event.data);
  });
  worker.addEventListener("error", () => end(null));
  isWorking = true;
  wait.hidden = true;
  said.textContent = said.dataset.working;
  worker.postMessage({ type: "work", challenge });

  // Who presses before the end is heard, and once.
  form.addEventListener("submit", (event) => {
    if (!isWorking) return;
    event.preventDefault();
    sender = event.submitter;
  });
})();
