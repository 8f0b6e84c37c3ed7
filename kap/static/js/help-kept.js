// On a patient's pages: the practice's crisis help comes onto this device, so that "I need help now" needs no
// network, and a safety plan that is kept here is renewed. The help names nobody and stays after a sign-out, as the
// page itself is open to anyone.
import { renew } from "./plan.js";
import { meta } from "./server.js";

const HELP_CACHE = "kap-help-1"; // also in service-worker.js
const EVERY_MS = 10 * 60 * 1000;
const LAST = "kap-help-kept";

async function keepHelp(address) {
  const answer = await fetch(address, { cache: "no-store" });
  if (answer.ok) await (await caches.open(HELP_CACHE)).put(address, answer);
}

export async function keep() {
  if (!("serviceWorker" in navigator) || !("caches" in self)) return;
  const last = Number(sessionStorage.getItem(LAST) ?? 0);
  if (navigator.serviceWorker.controller && Date.now() - last < EVERY_MS) return;
  await navigator.serviceWorker.register("/service-worker.js", { scope: "/" });
  await keepHelp(meta("kap-help"));
  await renew(meta("kap-plan"));
  sessionStorage.setItem(LAST, String(Date.now()));
}
