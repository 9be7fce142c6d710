"use strict";
// What only the local server's pages do: the form of "what if" says which values a factor takes, and progress is followed.
(() => {
const form = document.getElementById("what-if-form");
if (form) {
  const key = form.elements.key, value = form.elements.value, range = document.getElementById("what-if-range"), list = document.getElementById("what-if-values");
  const tell = () => {
    const o = key.selectedOptions[0].dataset;
    range.textContent = `${o.about ? o.about + ". " : ""}Takes ${o.how}. Now ${o.now || "not set"}.`;
    list.textContent = "";
    for (const v of o.values ? o.values.split("|") : []) { const e = document.createElement("option"); e.value = v; list.append(e); }
  };
  key.addEventListener("change", tell);
  tell();
  form.addEventListener("submit", () => { form.querySelector("button").disabled = true; });
}
const progress = document.getElementById("progress-of");
if (progress && progress.dataset.over === "false") {
  const said = progress.querySelector(".said"), bar = progress.querySelector("progress");
  const follow = async () => {
    try {
      const state = await (await fetch(progress.dataset.source)).json();
      said.textContent = state.text;
      if (state.all) { bar.max = state.all; bar.value = state.done; }
      if (state.over) { location.assign(state.link || location.href); return; }
    } catch (e) {
      said.textContent = "The server does not answer: " + e.message;
    }
    setTimeout(follow, 500);
  };
  follow();
}
})();
