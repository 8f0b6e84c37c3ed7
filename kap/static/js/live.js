// Notes of a session: <form data-notes="<session id>">. Without this script the form is an ordinary one.
//
// A note leaves the box at once, waits on this device (drafts.js) until the server has it, and is sent under a
// name of its own, so that sending it again after a lost answer adds it once. The server takes its age along,
// so a note that waited for a connection stands at the time it was written.
import { draftsOf } from "./drafts.js";
import "./keep.js"; // before the player: it takes the page as the server made it
import { musicPosition } from "./player.js";
import { isSignedOut, meta, post, signInLink } from "./server.js";

const DEVICE_PAUSE_MS = 200;
const TIMEOUT_MS = 20_000;
const LONGEST_RETRY_MS = 30_000;

const WORDS = {
  sending: "Sending",
  saved: "Saved",
  kept: "Saved on this device. It is sent as soon as the connection is back.",
  unsaved: "Not saved yet. Keep this page open; it is tried again.",
  ended: "Your sign-in has ended. Your notes are kept on this page; sign in and they are sent.",
};

// randomUUID() is missing where a practice serves its own network without TLS.
const newName = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

class Notes {
  constructor(form, drafts) {
    this.form = form;
    this.drafts = drafts;
    this.name = `session-notes:${form.dataset.notes}`;
    this.box = form.querySelector("textarea");
    this.state = form.querySelector("[data-saved-state]");
    this.list = document.querySelector("[data-note-list]");
    this.queue = document.querySelector("[data-waiting]");
    this.waiting = []; // {name, text, music, at}, oldest first
    this.failures = 0;
  }

  async start() {
    this.form.addEventListener("submit", (event) => this.submitted(event));
    this.box.addEventListener("input", () => this.soon());
    this.box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.form.requestSubmit();
    });
    addEventListener("online", () => this.send());
    addEventListener("pagehide", () => this.keep());
    document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") this.send(); });
    await this.restore();
  }

  show(state, words = WORDS[state]) {
    this.state.dataset.state = state;
    if (this.state.textContent !== words) this.state.textContent = words;
  }

  async submitted(event) {
    event.preventDefault();
    const quick = event.submitter?.name === "quick" ? event.submitter.value : "";
    const text = quick || this.box.value.trim();
    if (!quick) this.box.focus();
    if (!text) return;
    if (!quick) this.box.value = "";
    this.waiting.push({ name: newName(), text, music: musicPosition(), at: Date.now() });
    this.draw();
    this.show("sending");
    await this.keep();
    await this.send();
  }

  // On this device

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.keep(), DEVICE_PAUSE_MS);
  }

  async keep() {
    clearTimeout(this.timer);
    try {
      if (this.box.value || this.waiting.length) {
        await this.drafts.put(this.name, { box: this.box.value, waiting: this.waiting });
      } else {
        await this.drafts.remove(this.name);
      }
      this.kept = true;
    } catch {
      this.kept = false;
    }
  }

  async restore() {
    const draft = await this.drafts.get(this.name).catch(() => null);
    if (draft === null) return;
    this.box.value ||= draft.box;
    this.waiting = [...draft.waiting, ...this.waiting];
    this.kept = true;
    this.draw();
    await this.send();
  }

  draw() {
    this.queue.replaceChildren(...this.waiting.toReversed().map(({ text }) => {
      const line = document.createElement("li");
      const words = document.createElement("p");
      words.className = "words";
      words.textContent = text;
      line.append(words);
      return line;
    }));
  }

  // To the server, one after the other

  async send() {
    if (this.sending) return;
    clearTimeout(this.retry);
    this.sending = true;
    try {
      while (this.waiting.length && await this.sent(this.waiting[0])) { /* the next one */ }
    } finally {
      this.sending = false;
    }
  }

  /** Whether to go on with the next note. */
  async sent(note) {
    let response;
    let answer;
    try {
      response = await this.post(note);
      answer = await response.json().catch(() => ({}));
      if (response.status === 429 || response.status >= 500) throw new Error(String(response.status));
    } catch {
      return this.failed();
    }
    if (response.ok && "html" in answer) return this.arrived(answer.html);
    if (isSignedOut(response)) return this.ended();
    return this.refused(note, answer.error);
  }

  post({ name, text, music, at }) {
    const age = Math.max(0, (Date.now() - at) / 1000).toFixed(1);
    const at_s = music === null ? "" : music.toFixed(1);
    const body = new URLSearchParams({ text, client_id: name, music_s: at_s, age_s: age });
    return post(this.form.action, body, { timeout: TIMEOUT_MS });
  }

  async arrived(html) {
    this.failures = 0;
    this.waiting.shift();
    this.list.innerHTML = html; // the server's own, escaped there
    this.draw();
    await this.keep();
    if (!this.waiting.length) this.show("saved");
    return true;
  }

  failed() {
    this.failures += 1;
    this.show(this.kept ? "kept" : "unsaved");
    this.retry = setTimeout(() => this.send(), Math.min(LONGEST_RETRY_MS, 1000 * 2 ** this.failures));
    return false;
  }

  ended() {
    this.show("ended");
    this.state.append(" ", signInLink());
    return false;
  }

  /** Never taken like this: back into the box with the reason, before whatever was begun there since. */
  async refused(note, reason = "The note was not accepted.") {
    this.waiting.shift();
    this.box.value = [note.text, this.box.value].filter(Boolean).join("\n\n");
    this.draw();
    await this.keep();
    this.show("unsaved", reason);
    return false;
  }
}

const form = document.querySelector("form[data-notes]");
const owner = meta("kap-user");
if (form && owner) new Notes(form, draftsOf(owner)).start();
