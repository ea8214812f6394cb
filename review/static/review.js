// Keys and marks of the call page. Without it every form still works.
"use strict";

const cards = () => [...document.querySelectorAll(".decision")];
const chosen = () => document.querySelector(".decision.on");

function choose(card, { quietly = false } = {}) {
  if (!card) return;
  cards().forEach((one) => one.classList.toggle("on", one === card));
  let first = null;
  document.querySelectorAll("mark").forEach((mark) => {
    const on = mark.dataset.owners.split(" ").includes(card.dataset.decision);
    mark.classList.toggle("on", on);
    first = first || (on ? mark : null);
  });
  if (quietly) return;
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest" });
  if (first) first.scrollIntoView({ block: "center" });
}

function move(step) {
  const all = cards();
  const at = all.indexOf(chosen());
  choose(all[Math.max(0, Math.min(all.length - 1, at + step))]);
}

function hint(told) {
  const toast = document.getElementById("hint");
  toast.textContent = told;
  toast.hidden = false;
  setTimeout(() => { toast.hidden = true; }, 4000);
}

// JavaScript counts UTF-16 units, the store counts characters.
const characters = (text) => [...text].length;

function selected() {
  const selection = window.getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  const turnOf = (node) => (node.nodeType === Node.TEXT_NODE ? node.parentElement : node).closest(".turn");
  const turn = turnOf(range.startContainer);
  if (!turn || turn !== turnOf(range.endContainer) || turn.dataset.speaker !== "agent") return null;
  const before = document.createRange();
  before.selectNodeContents(turn.querySelector(".words"));
  before.setEnd(range.startContainer, range.startOffset);
  const start = characters(before.toString());
  return { turn: turn.dataset.turn, start, end: start + characters(range.toString()), words: range.toString() };
}

function miss() {
  const dialog = document.getElementById("missing");
  const words = selected();
  if (!words) { hint("Select the words in one of the agent’s turns first, then press m."); return; }
  const form = dialog.querySelector("form");
  form.elements.turn_id.value = words.turn;
  form.elements.start.value = words.start;
  form.elements.end.value = words.end;
  document.getElementById("missing-words").textContent = words.words;
  dialog.showModal();
}

function press(selector) {
  const button = chosen() && chosen().querySelector(selector);
  if (button) button.click();
}

const keys = {
  j: () => move(1), k: () => move(-1), m: miss, u: () => press("[data-undo]"),
  1: () => press(".correct"), 2: () => press(".wrong_words"), 3: () => press(".wrong_sense"), 4: () => press(".wrong_speaker"),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, dialog");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !document.querySelector(".bench")) return;
  const act = keys[event.key];
  if (act) { event.preventDefault(); act(); }
});

document.addEventListener("click", (event) => {
  const mark = event.target.closest("mark");
  if (mark) choose(document.getElementById(`d-${mark.dataset.owners.split(" ")[0]}`));
  const card = event.target.closest(".decision");
  if (card && card !== chosen()) choose(card, { quietly: true });
  if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
});

document.addEventListener("htmx:load", (event) => {
  // A reviewer who moved on while the answer was under way stays there.
  if (event.detail.elt.classList.contains("decision") && !chosen()) choose(event.detail.elt, { quietly: true });
});

document.addEventListener("DOMContentLoaded", () => {
  if (!document.querySelector(".bench")) return;
  const asked = location.hash.startsWith("#d-") && document.getElementById(location.hash.slice(1));
  choose(asked || cards()[0], { quietly: !asked });
});
