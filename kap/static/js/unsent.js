// Words of the journal that this device kept because a sign-in, a link or the connection had ended: sent once the
// writer is signed in again, and shown where that did not work. <div data-unsent="/my/journal" hidden>
import { draftsOf } from "./drafts.js";
import { meta, post } from "./server.js";

const TIMEOUT_MS = 20_000;
const PREFIX = "journal:";
const WORDS = {
  sent: "Words that were kept on this device are in your journal now.",
  kept: "Words of yours are kept on this device and not in your journal yet.",
  look: "Look at them",
};

async function send(drafts, name, url) {
  const draft = await drafts.get(name);
  if (draft === null) return true;
  const body = new URLSearchParams(draft.fields);
  body.set("version", draft.version);
  const response = await post(url, body, { timeout: TIMEOUT_MS });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok || !("version" in answer)) return false;
  await drafts.remove(name);
  return true;
}

function say(place, words, link) {
  const notice = document.createElement("p");
  notice.className = `notice ${link ? "warning" : "success"}`;
  notice.setAttribute("role", "status");
  notice.append(words);
  if (link) notice.append(" ", Object.assign(document.createElement("a"), { href: link, textContent: WORDS.look }));
  place.append(notice);
  place.hidden = false;
}

export async function install(place) {
  const owner = meta("kap-user");
  if (!owner) return;
  const drafts = draftsOf(owner);
  const names = await drafts.names(PREFIX).catch(() => []);
  let sent = 0;
  for (const name of names) {
    const url = `${place.dataset.unsent}/${name.slice(PREFIX.length)}`;
    if (await send(drafts, name, url).catch(() => false)) sent += 1;
    else say(place, WORDS.kept, `${url}/write`);
  }
  if (sent) say(place, WORDS.sent);
}
