// A form that saves itself: <form data-autosave="<url>" data-draft-key="journal:<id>">, with the fields of the
// macro saved_state() inside. Without this script the form is an ordinary one.
//
// What is typed goes to this device first (drafts.js), then to the server, which answers
//   200 {"version": n}                            saved; n is the version to send next
//   400 {"csrf_token": …, "user": …}              the token was of an earlier sign-in; here is the present one
//                                                 and whose it is: words go out only for who wrote them
//   401, or a redirect                            the sign-in has ended
//   409 {"conflict": {"text": …, "version": n}}   someone wrote over it; both texts are shown, none is lost;
//                                                 "error" beside it is a sentence to show in place of ours
// The server takes the same text twice for one save, so a lost answer may be asked for again.
import { draftsOf } from "./drafts.js";
import { isSignedOut, meta, post } from "./server.js";

const PAUSE_MS = 800;
const TIMEOUT_MS = 20_000;
const LONGEST_RETRY_MS = 60_000;
// Browsers let a request outlive its page only below 64 KiB.
const KEEPALIVE_LIMIT = 60_000;

const WORDS = {
  ready: "This page saves itself as you write.",
  saving: "Saving",
  saved: "Saved",
  kept: "Saved on this device. It is sent as soon as the connection is back.",
  unsaved: "Not saved yet. Keep this page open; it is tried again.",
  ended: "Your sign-in has ended. Your words are kept on this device.",
  endedUnkept: "Your sign-in has ended and this device keeps nothing. Copy your words before you sign in.",
  refused: "Not accepted by the server. Your words are kept on this device. Reload this page to go on.",
  refusedUnkept: "Not accepted by the server. Copy your words, then reload this page.",
  conflict: "This was changed somewhere else. Both versions are kept.",
  other: "The version from elsewhere",
  mine: "Keep the words above",
  both: "Put both together",
  signIn: "Sign in",
};

const plain = (text) => text.replace(/\r\n?/g, "\n");

export function install(form) {
  const owner = meta("kap-user");
  if (owner) new Autosave(form, draftsOf(owner)).start();
}

class Autosave {
  constructor(form, drafts) {
    this.form = form;
    this.drafts = drafts;
    this.name = form.dataset.draftKey;
    this.version = form.elements.namedItem("version");
    // Of a form with data-whole every field counts when two versions meet, and not only the words of its textarea.
    this.text = "whole" in form.dataset ? null : form.querySelector("textarea");
    this.state = form.querySelector("[data-saved-state]");
    this.other = form.querySelector("[data-other-version]");
    this.device = Promise.resolve(); // what is being written on this device, one after the other
    this.kept = false; // whether this device holds the latest words
    this.sent = []; // texts whose answer never came
    this.failures = 0;
    this.running = null;
    this.paused = ""; // why nothing is sent: "ended", "refused" or "conflict"
    this.arrived = this.snapshot();
  }

  async start() {
    this.form.addEventListener("input", () => this.changed());
    this.form.addEventListener("change", () => this.changed());
    this.form.addEventListener("submit", (event) => this.submitted(event));
    addEventListener("online", () => this.hurry());
    addEventListener("pagehide", () => this.left());
    document.addEventListener("visibilitychange", () => this.hurry());
    if (!this.state.textContent) this.state.textContent = WORDS.ready;
    await this.restore();
  }

  fields() {
    return [...new FormData(this.form)]
      .filter(([name, value]) => name !== "csrf_token" && name !== "version" && typeof value === "string")
      .map(([name, value]) => [name, plain(value)]);
  }

  /** What a conflict is about: the first textarea, or every field of a form without one. */
  words() { return this.text ? plain(this.text.value) : this.snapshot(); }
  snapshot() { return JSON.stringify(this.fields()); }
  dirty() { return this.snapshot() !== this.arrived; }

  show(state, words = WORDS[state]) {
    this.state.dataset.state = state;
    if (this.state.textContent !== words) this.state.textContent = words;
  }

  // Typing

  changed() {
    if (!this.dirty()) return this.unchanged();
    this.keep();
    if (this.paused) return;
    if (this.failures === 0) this.show("saving");
    this.later(PAUSE_MS);
  }

  unchanged() {
    if (this.paused || this.running) return;
    clearTimeout(this.timer);
    this.forget();
    this.show("saved");
  }

  later(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), wait);
  }

  hurry() {
    if (this.leaving || !this.dirty()) return;
    this.keep();
    if (this.paused === "ended") this.paused = ""; // they may have signed in again in another window
    if (!this.paused) this.save();
  }

  left() {
    if (this.leaving || this.paused || !this.dirty()) return;
    // Nothing that waits gets its turn in a page that goes away; the request itself outlives it.
    this.post().catch(() => {});
  }

  // On this device

  /** Write the words of now down, after whatever is being written. */
  keep() {
    this.device = this.device.then(async () => {
      const draft = { version: this.version.value, fields: this.fields(), sent: this.sent };
      this.kept = await this.drafts.put(this.name, draft).then(() => true, () => false);
    });
    return this.device;
  }

  forget() {
    this.device = this.device.then(() => this.drafts.remove(this.name)).catch(() => {});
    return this.device;
  }

  async restore() {
    const draft = await this.drafts.get(this.name).catch(() => null);
    if (draft === null) return;
    if (JSON.stringify(draft.fields) === this.arrived) return this.forget();
    // If the page shows one of our own texts whose answer was lost, nobody else has been here.
    const ours = draft.sent.includes(this.words());
    if (!ours) this.version.value = draft.version;
    this.fill(draft.fields);
    this.sent = draft.sent;
    this.kept = true;
    this.show("kept");
    await this.save();
  }

  fill(fields) {
    const values = new Map();
    for (const [name, value] of fields) values.set(name, [...(values.get(name) ?? []), value]);
    for (const element of this.form.elements) {
      if (!element.name || element.name === "csrf_token" || element === this.version) continue;
      const wanted = values.get(element.name) ?? [];
      if (["checkbox", "radio"].includes(element.type)) element.checked = wanted.includes(element.value);
      else if (!["file", "submit", "button", "fieldset"].includes(element.type)) element.value = wanted.shift() ?? "";
    }
  }

  // To the server

  /** Send what is there, one request at a time. Resolves when it has been answered, well or badly. */
  async save() {
    clearTimeout(this.timer);
    if (this.running) await this.running;
    if (this.paused || !this.dirty()) return;
    this.running = this.send().finally(() => { this.running = null; });
    await this.running;
  }

  async send() {
    const snapshot = this.snapshot();
    // Written down before it is sent: the answer may get lost together with this page.
    this.sent = [...new Set([...this.sent, this.words()])].slice(-5);
    await this.keep();
    let response;
    try {
      response = await this.post();
      if (response.status === 429 || response.status >= 500) throw new Error(String(response.status));
    } catch {
      return this.failed();
    }
    const answer = await response.json().catch(() => ({}));
    if (response.ok && "version" in answer) return this.succeeded(answer, snapshot);
    if (response.status === 409 && answer.conflict) return this.conflicted(answer.conflict, answer.error);
    this.stopped(isSignedOut(response) ? "ended" : "refused");
  }

  post() {
    const body = new URLSearchParams(this.fields());
    body.set("version", this.version.value);
    const keepalive = body.toString().length < KEEPALIVE_LIMIT;
    return post(this.form.dataset.autosave, body, { timeout: TIMEOUT_MS, keepalive });
  }

  async succeeded(answer, snapshot) {
    this.version.value = answer.version;
    this.arrived = snapshot;
    this.sent = [];
    this.failures = 0;
    if (this.dirty()) {
      await this.keep();
      this.later(PAUSE_MS);
    } else {
      await this.forget();
      if (!this.dirty()) this.show("saved");
    }
  }

  failed() {
    this.failures += 1;
    this.show(this.kept ? "kept" : "unsaved");
    this.later(Math.min(LONGEST_RETRY_MS, 1000 * 2 ** this.failures));
  }

  stopped(state) {
    this.paused = state;
    this.show(state, WORDS[this.kept ? state : `${state}Unkept`]);
    if (state !== "ended") return;
    const link = document.createElement("a");
    const back = this.form.dataset.signedIn ?? location.pathname + location.search;
    link.href = `${meta("kap-sign-in")}?next=${encodeURIComponent(back)}`;
    link.textContent = WORDS.signIn;
    this.state.append(" ", link);
  }

  // Two versions

  conflicted(conflict, sentence = WORDS.conflict) {
    const theirs = plain(conflict.text);
    if (this.sent.slice(0, -1).includes(theirs) || theirs === this.words()) {
      return this.adopt(conflict.version, PAUSE_MS);
    }
    this.paused = "conflict";
    this.show("conflict", sentence);
    // A page whose text is locked opens and shows both itself, and calls adopt() once the writer has chosen.
    const detail = { text: theirs, adopt: () => this.adopt(conflict.version) };
    if (!this.form.dispatchEvent(new CustomEvent("autosave-conflict", { cancelable: true, detail }))) return;
    const shown = theirs ? [this.details(theirs)] : []; // nothing to show of what was deleted
    this.other.replaceChildren(...shown, this.choices(conflict.version, theirs));
  }

  details(theirs) {
    const details = document.createElement("details");
    details.className = "details";
    details.open = true;
    const summary = document.createElement("summary");
    summary.textContent = WORDS.other;
    const words = document.createElement("p");
    words.className = "words";
    words.textContent = theirs;
    details.append(summary, words);
    return details;
  }

  choices(version, theirs) {
    const row = document.createElement("div");
    row.className = "row";
    const choose = (words, act) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button";
      button.textContent = words;
      button.addEventListener("click", () => {
        act();
        this.other.replaceChildren();
        this.text?.focus();
        this.adopt(version);
      });
      row.append(button);
    };
    if (this.text && theirs) choose(WORDS.both, () => { this.text.value = `${this.text.value}\n\n${theirs}`; });
    choose(WORDS.mine, () => {});
    return row;
  }

  /** Go on from `version`, whose text we have seen. */
  adopt(version, wait = 0) {
    this.version.value = version;
    this.paused = "";
    this.later(wait);
  }

  // Leaving by the form's own button: only once everything has arrived.

  async submitted(event) {
    if (this.leaving || !this.dirty()) {
      this.leaving = true;
      return;
    }
    event.preventDefault();
    await this.save();
    if (this.dirty()) return;
    this.leaving = true;
    this.form.requestSubmit(event.submitter);
  }
}
