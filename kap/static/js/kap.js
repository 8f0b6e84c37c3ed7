// The one entry: each behaviour is loaded only on pages that carry its mark, also after htmx swapped a part in.
import { meta } from "./server.js";

const BEHAVIOURS = {
  "[data-theme-toggle]": "./theme.js",
  "form[data-autosave]": "./autosave.js",
  "form[data-upload]": "./upload.js",
};
const WORDS = {
  refused: "That did not work, and nothing was changed. Reload the page and try again.",
  unconnected: "There is no connection at the moment, and nothing was changed. Try again when it is back.",
};
const installed = new WeakSet();

async function enliven(root) {
  for (const [selector, module] of Object.entries(BEHAVIOURS)) {
    const marked = [...root.querySelectorAll(selector)].filter((element) => !installed.has(element));
    if (marked.length === 0) continue;
    marked.forEach((element) => installed.add(element));
    const { install } = await import(module);
    marked.forEach((element) => install(element));
  }
}

function say(words) {
  const notice = document.createElement("p");
  notice.className = "notice warning";
  notice.setAttribute("role", "alert");
  notice.textContent = words;
  document.getElementById("main").prepend(notice);
}

document.addEventListener("htmx:load", () => enliven(document));
document.addEventListener("htmx:responseError", () => say(WORDS.refused));
document.addEventListener("htmx:sendError", () => say(WORDS.unconnected));
// Every request of htmx carries the page's token, so that no template has to remember it.
document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRFToken"] = meta("csrf-token");
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.account[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  const menu = document.querySelector("details.account[open]");
  if (event.key !== "Escape" || menu === null) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

enliven(document);
