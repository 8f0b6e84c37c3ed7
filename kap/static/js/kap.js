// The one entry: each behaviour is loaded only on pages that carry its mark, also after htmx swapped a part in.
import { forgetPlaces } from "./places.js";
import { meta } from "./server.js";
import { forgetWriter } from "./writer.js";

const BEHAVIOURS = {
  "[data-theme-toggle]": "./theme.js",
  "form[data-autosave]": "./autosave.js",
  "form[data-upload]": "./upload.js",
  "[data-prompts]": "./prompts.js",
  "[data-unsent]": "./unsent.js",
  "[data-preview]": "./preview.js",
  "form[data-recorder]": "./recorder.js",
  "[data-voice]": "./voice.js",
  "[data-kept-notes]": "./kept-notes.js",
  "form[data-add-file]": "./add-file.js",
  "[data-drawing]": "./drawing.js",
  "[data-trim]": "./trim.js",
  "form[data-arc-editor]": "./arc-editor.js",
  "[data-places]": "./playlist.js",
  "[data-mix]": "./as-made.js",
  "[data-listen]": "./listen.js",
  "[data-sound]": "./sound.js",
  "[data-many]": "./many.js",
  "[data-fill]": "./fill.js",
  "form[data-instrument]": "./instrument.js",
  "[data-keep], [data-keep-end]": "./keep.js",
  "[data-plan-keep], [data-plan-refresh]": "./plan.js",
  "[data-print]": "./print.js",
};
const WORDS = {
  refused: "That did not work, and nothing was changed. Reload the page and try again.",
  unconnected: "There is no connection at the moment, and nothing was changed. Try again when it is back.",
};
const SIGN_OUTS = ["/sign-out", "/account/devices/sign-out"];
const installed = new WeakSet();

async function enliven(root) {
  for (const [selector, module] of Object.entries(BEHAVIOURS)) {
    const marked = [...root.querySelectorAll(selector)].filter((element) => !installed.has(element));
    if (marked.length === 0) continue;
    marked.forEach((element) => installed.add(element));
    const loaded = await import(module).catch((error) => {
      if (navigator.onLine) throw error;
      return null; // not on this device, and no network to fetch it: the page goes on without it
    });
    marked.forEach((element) => (loaded ? loaded.install(element) : installed.delete(element)));
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
// What the device kept goes with the sign-in: the rest of it in service-worker.js. A player on this page remembers its
// place once more as it is left; this listener comes after its.
document.addEventListener("submit", ({ target }) => {
  if (!SIGN_OUTS.includes(new URL(target.getAttribute("action") ?? "", location).pathname)) return;
  addEventListener("pagehide", () => forgetPlaces());
  forgetWriter();
  import("./plan-kept.js").then(({ leavePlan }) => leavePlan()).catch(() => {});
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
// A patient's pages of the journal that wait on this device; anyone else who signs in takes their name from it.
const journal = document.querySelector('meta[name="kap-journal"]');
if (journal && !("kept" in journal.dataset)) import("./waiting.js").then(({ start }) => start()).catch(() => {}); // a browser that keeps nothing
else if (!journal && meta("kap-user")) forgetWriter();
if (meta("kap-help")) import("./help-kept.js").then(({ keep }) => keep()).catch(() => {}); // else there is none without network
// Only where something may have been kept on this device before: see keep.js and plan-kept.js.
if (navigator.serviceWorker?.controller) {
  import("./keep.js").then(({ tidy }) => tidy());
  if (meta("kap-user")) import("./plan-kept.js").then(({ keepOnlyFor }) => keepOnlyFor(meta("kap-user"))).catch(() => {});
}
