// Pages of the journal that lie on this device and have not arrived: they are sent from whatever page their writer has
// open, one after the other, and listed where a page has a place for it: <section data-waiting>. The server takes the
// same words twice for one save, so that an answer that was lost does no harm.
import { draftsOf } from "./drafts.js";
import { whileNobodyHolds } from "./held.js";
import { isSignedOut, meta, post } from "./server.js";
import { rememberWriter } from "./writer.js";

const PREFIX = "journal:";
const TIMEOUT_MS = 30_000;
const FIRST_RETRY_MS = 4000;
const LONGEST_RETRY_MS = 60_000;
const FIRST_WORDS = 80;
const WORDS = {
  waiting: "Saved on this device, not sent yet",
  writing: "Open on another page",
  conflict: "Changed somewhere else too. Open it to see both",
  refused: "Not accepted by the server. Open it to see why",
  ended: "Saved on this device. Sign in to send it",
  sent: "Saved",
  nothing: "No words, only how it felt.",
};
// What becomes of the others too: there is no server, or nobody who may send.
const FOR_ALL = new Set(["waiting", "ended"]);

export const draftName = (id) => PREFIX + id;

/** What goes to the server of a draft: its fields, the version it began from, and for how many seconds it has waited. */
function bodyOf({ fields, version, since }) {
  const body = new URLSearchParams(fields);
  body.set("version", version);
  // A span and not a time: whatever day the clock of a device shows, it counts seconds.
  if (since) body.set("waited", Math.max(0, Math.round((Date.now() - since) / 1000)));
  return body;
}

/** On every page of a patient who is signed in. */
export async function start() {
  const owner = meta("kap-user");
  rememberWriter(owner);
  navigator.serviceWorker?.register("/service-worker.js", { scope: "/" }).catch(() => {}); // else not without network
  await new Waiting(owner).start();
}

export class Waiting {
  constructor(owner) {
    this.owner = owner;
    this.drafts = draftsOf(owner);
    this.journal = meta("kap-journal");
    this.place = document.querySelector("[data-waiting]");
    this.states = new Map(); // what became of each draft that was tried
    this.sent = new Map(); // those that arrived while this page was open
    this.failures = 0;
    this.running = false;
  }

  async start() {
    addEventListener("online", () => this.send());
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.send(); });
    await this.show();
    await this.send();
  }

  async send() {
    if (this.running) return;
    this.running = true;
    clearTimeout(this.timer);
    try {
      for (const [name] of await this.drafts.all(PREFIX)) {
        const state = (await whileNobodyHolds(this.owner, name, () => this.sendOne(name))) ?? "writing";
        this.states.set(name, state);
        if (FOR_ALL.has(state)) break;
      }
    } catch { /* a browser that keeps nothing has nothing to send */ } finally {
      this.running = false;
    }
    await this.show();
  }

  async sendOne(name) {
    const draft = await this.drafts.get(name);
    if (draft === null) return "sent";
    let response;
    try {
      response = await post(`${this.journal}/${name.slice(PREFIX.length)}`, bodyOf(draft), { timeout: TIMEOUT_MS });
      if (response.status === 429 || response.status >= 500) throw new Error(String(response.status));
    } catch {
      return this.later();
    }
    this.failures = 0;
    const answer = await response.json().catch(() => ({}));
    if (response.ok && "version" in answer) return this.arrived(name, draft);
    if (response.status === 409 && answer.conflict) return "conflict";
    // 400: the token was of another sign-in, and so is perhaps the person.
    return isSignedOut(response) || response.status === 400 ? "ended" : "refused";
  }

  later() {
    this.failures += 1;
    this.timer = setTimeout(() => this.send(), Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (this.failures - 1)));
    return "waiting";
  }

  async arrived(name, draft) {
    const now = await this.drafts.get(name);
    if (JSON.stringify(now) !== JSON.stringify(draft)) return "waiting"; // they wrote on meanwhile
    await this.drafts.remove(name);
    this.sent.set(name, draft);
    return "sent";
  }

  async show() {
    if (!this.place) return;
    const waiting = await this.drafts.all(PREFIX).catch(() => []);
    const lines = [
      ...waiting.map(([name, draft]) => this.line(name, draft, this.states.get(name) ?? "waiting")),
      ...[...this.sent].map(([name, draft]) => this.line(name, draft, "sent")),
    ];
    this.place.querySelector("ul").replaceChildren(...lines);
    this.place.hidden = lines.length === 0;
  }

  line(name, draft, state) {
    const words = new Map(draft.fields);
    const link = document.createElement("a");
    const address = `${this.journal}/${name.slice(PREFIX.length)}`;
    link.href = state === "sent" ? address : `${address}/write`;
    link.dir = "auto";
    link.textContent = firstWords(words.get("title") || words.get("text") || "") || WORDS.nothing;
    const says = document.createElement("span");
    says.className = "small soft";
    says.textContent = WORDS[state];
    const item = document.createElement("li");
    item.dataset.state = state;
    item.append(link, says);
    return item;
  }
}

function firstWords(text) {
  const line = text.slice(0, FIRST_WORDS * 10).split(/\s+/).join(" ").trim();
  const characters = [...new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(line)].map(({ segment }) => segment);
  return characters.length <= FIRST_WORDS ? line : `${characters.slice(0, FIRST_WORDS).join("").trimEnd()}…`;
}
