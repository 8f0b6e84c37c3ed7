// The page that locks an entry: its words are locked here, and only what nobody can read is sent.
import { draftsOf } from "./drafts.js";
import { canLock, lockWords } from "./lock.js";
import { choosing } from "./passphrase.js";
import { meta } from "./server.js";

const root = document.querySelector("[data-locking]");
const NOTHING = { text: "", title: "", tags: "" };

async function start() {
  if (!canLock()) return;
  const entryId = root.dataset.locking;
  const words = root.dataset.words ? JSON.parse(root.dataset.words) : NOTHING;
  const drafts = draftsOf(meta("kap-user"));
  root.hidden = false;
  // What waits on this device is not in the text that would be locked.
  const waiting = await drafts.get(`journal:${entryId}`).catch(() => null);
  if (waiting) {
    root.querySelector("[data-unsent]").hidden = false;
    root.querySelector("[data-steps]").hidden = true;
    return;
  }
  const form = root.querySelector("[data-locked-form]");
  choosing(root, entryId, {
    async done({ lock, key }) {
      form.elements.locked.value = await lockWords(lock, key, entryId, words);
      form.submit();
    },
  });
}

start();
