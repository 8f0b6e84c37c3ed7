// Questions beside the page: a tap puts one above the words without leaving the page, and "Skip" takes it away. Without
// this script the buttons send the form, which keeps what is typed and comes back with the question on the page.
import { post } from "./server.js";

const TIMEOUT_MS = 20_000;

/** The same as put_above() on the server. */
function putAbove(question, text) {
  if (text.includes(question)) return text;
  return text.trim() ? `${text.trimEnd()}\n\n${question}\n\n` : `${question}\n\n`;
}

function answer(item, form) {
  const text = form.querySelector("textarea");
  text.value = putAbove(item.querySelector("[data-question]").textContent.trim(), text.value);
  // Nothing is saved for a question alone: that begins with the first word typed below it.
  text.focus();
  text.setSelectionRange(text.value.length, text.value.length);
  text.scrollIntoView({ block: "center" });
}

function skip(item, button, form) {
  const body = new URLSearchParams({ skip: button.value, session: form.elements.session?.value ?? "" });
  // Without a connection it is there again the next time, and that is all.
  post(button.formAction, body, { timeout: TIMEOUT_MS, keepalive: true }).catch(() => {});
  const next = item.nextElementSibling ?? item.previousElementSibling;
  item.remove();
  (next?.querySelector("button") ?? form.querySelector("textarea")).focus();
}

export function install(aside) {
  const form = aside.closest("form");
  aside.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    const item = button?.closest("[data-prompt]");
    if (!item) return;
    if (button.name === "ask") {
      event.preventDefault();
      answer(item, form);
    } else if (button.name === "skip") {
      event.preventDefault();
      skip(item, button, form);
    }
  });
}
