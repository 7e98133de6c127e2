"use strict";
// Lights a field and its bytes while either is pointed at or has the focus; keys for the ways.
(() => {
  const marked = [...document.querySelectorAll("[data-fields]")];
  const byField = new Map();
  for (const one of marked) {
    for (const field of one.dataset.fields.split(" ")) {
      if (!byField.has(field)) byField.set(field, []);
      byField.get(field).push(one);
    }
  }
  let lit = [];

  function light(target) {
    const one = target instanceof Element ? target.closest("[data-fields]") : null;
    for (const old of lit) old.classList.remove("lit");
    lit = one ? byField.get(one.dataset.fields.split(" ")[0]) : [];
    for (const found of lit) found.classList.add("lit");
  }

  if (marked.length) {
    document.addEventListener("mouseover", (event) => light(event.target));
    document.addEventListener("focusin", (event) => light(event.target));
    for (const row of document.querySelectorAll(".fields tr[data-fields]")) row.tabIndex = 0;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select")) return;
    const way = document.querySelector(`a[data-key="${CSS.escape(event.key)}"]`);
    if (way) way.click();
  });
})();
