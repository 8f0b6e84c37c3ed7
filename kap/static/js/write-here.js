// The journal without a network: the service worker answers with this page in the place of the journal, of a new page
// and of one that is being written. It knows nobody; whose words it keeps, and what waits, this device says.
import { draftsOf } from "./drafts.js";
import { meta } from "./server.js";
import { Waiting, draftName } from "./waiting.js";
import { writer } from "./writer.js";

const LOOK_AGAIN_MS = 10_000;
const find = (name) => document.querySelector(`[data-here-${name}]`);
const pages = /^\/my\/journal\/([0-9a-f-]{36})\/write$/;

/** Say when the server answers again. */
async function lookForServer() {
  const answer = await fetch("/service-worker.js", { method: "HEAD", cache: "no-store" }).catch(() => null);
  if (!answer?.ok) return setTimeout(lookForServer, LOOK_AGAIN_MS);
  find("back").hidden = false;
  find("away").hidden = true;
}

/** The page's own address, so that a reload finds the same words. */
function pageHere() {
  const known = location.pathname.match(pages)?.[1];
  if (known || !location.pathname.endsWith("/new")) return known;
  const id = crypto.randomUUID();
  history.replaceState({ isNew: true }, "", `${meta("kap-journal")}/${id}/write${location.search}`);
  return id;
}

async function openForm(owner, id) {
  const form = find("form");
  const draft = await draftsOf(owner).get(draftName(id)).catch(() => null);
  if (!draft && !history.state?.isNew) {
    find("elsewhere").hidden = false;
    return;
  }
  form.action = form.dataset.autosave = `${meta("kap-journal")}/${id}`;
  form.dataset.draftKey = draftName(id);
  // Ratings and themes that were put in with a connection have no control here; they stay what they are.
  for (const [name, value] of draft?.fields ?? []) {
    if (form.elements.namedItem(name)) continue;
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
  form.hidden = false;
}

const owner = writer();
find("reload").addEventListener("click", () => location.reload());
addEventListener("online", lookForServer);
setTimeout(lookForServer, LOOK_AGAIN_MS);
if (owner && crypto.subtle) {
  document.querySelector('meta[name="kap-user"]').content = owner; // words are sent only under the same person's sign-in
  const id = pageHere();
  if (id) await openForm(owner, id);
  find("new").hidden = Boolean(id) && find("elsewhere").hidden;
  await import("./kap.js");
  await new Waiting(owner).start();
} else {
  find("nobody").hidden = false;
}
