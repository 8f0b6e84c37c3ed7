// The page of a room without a network: the service worker answers with it in the room's place, at the room's
// address. It knows nobody; what it shows is what this device kept when the room was last open here (keep.js).
import { keptPage } from "./kept.js";

const LOOK_AGAIN_MS = 15_000;
const main = document.getElementById("main");

/** Say when the server answers again. A question of its own, as the music and the notes may have nothing to send. */
async function lookForServer() {
  const answer = await fetch("/service-worker.js", { method: "HEAD", cache: "no-store" }).catch(() => null);
  if (answer?.ok) document.dispatchEvent(new CustomEvent("kap-connected"));
  else setTimeout(lookForServer, LOOK_AGAIN_MS);
}

function isBack() {
  document.querySelector("[data-back]").hidden = false;
  document.querySelector("[data-away]").hidden = true;
}

const page = await keptPage(location.pathname).catch(() => null);

document.querySelector("[data-reload]").addEventListener("click", () => location.reload());
document.addEventListener("kap-connected", isBack, { once: true });
addEventListener("online", lookForServer);
setTimeout(lookForServer, LOOK_AGAIN_MS);
if (page) {
  // Whose words wait on this device: they are sent only under the sign-in of the same person.
  document.querySelector('meta[name="kap-user"]').content = page.user;
  document.querySelector("[data-kept-here]").innerHTML = page.html; // the server's own, escaped there
  await import("./live.js");
  await import("./kap.js");
} else {
  main.querySelector("[data-nothing]").hidden = false;
}
