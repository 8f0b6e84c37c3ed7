// A voice note of the journal: <section data-voice>. Every second of it is kept on this device, sealed (drafts.js),
// as soon as it was heard, so that a call, a reload or a closed tab takes nothing away; what goes on after that is
// another take of the same note. Sent are pieces, each with its digest, until the server says that none is missing:
// whatever breaks in the middle, only what is missing is sent again. Without this script one adds a file.
//
// Kept under voice:<entry> is {file, takes: [{type, seconds}], wanted, discarded}, and under
// voice:<entry>:<file>:<take>:<number> a second of sound.
import { append } from "./add-file.js";
import { draftsOf } from "./drafts.js";
import { LONGEST_S, Take, canRecord, minutes } from "./microphone.js";
import { isSignedOut, meta, post, signInLink } from "./server.js";

const PIECE_BYTES = 256 * 1024; // as in file_rules.py
const BITS_PER_SECOND = 64_000;
const TIMEOUT_MS = 60_000;
const LONGEST_RETRY_MS = 60_000;
const WORDS = {
  idle: "Up to 20 minutes. You can pause. It is kept on this device until it has arrived.",
  asking: "Your browser may ask whether this page may use the microphone.",
  refused: "The microphone did not open. Allow it for this page in the browser's settings, or add a recording made elsewhere.",
  recording: "Recording. Every second is kept on this device.",
  recordingUnkept: "Recording. This device keeps nothing, so stay on this page until it is sent.",
  paused: "Paused",
  pause: "Pause",
  goOn: "Go on",
  held: (length) => `A recording of ${length} is kept on this device. Send it, go on, or discard it.`,
  full: (length) => `A recording of ${length} is kept on this device. That is as long as a voice note can be.`,
  empty: "Nothing was recorded.",
  sending: "Sending. You can leave this page: what has not been sent stays on this device.",
  waiting: "Kept on this device. It is sent as soon as the connection is back.",
  busy: "Kept on this device. The practice's server cannot take it now; it is tried again.",
  signedOut: "Your sign-in has ended. The recording is kept on this device. Sign in, then come back here. ",
  notTaken: "It was not taken. It is still kept on this device.",
  discarded: "Discarded.",
  arrived: "Your voice note has arrived.",
  take: (number, all) => (all === 1 ? "What was recorded" : `Part ${number} of what was recorded`),
  other: (length) => `A recording of ${length} of another entry is kept on this device.`,
};

export function install(panel) {
  const owner = meta("kap-user");
  if (owner && canRecord() && crypto.subtle) new VoiceNote(panel, draftsOf(owner)).start();
}

const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const numbered = (number) => String(number).padStart(5, "0");
export const lengthOf = (note) => note.takes.reduce((sum, { seconds }) => sum + seconds, 0);

/** What is kept of recordings, as {entry, note}, without what was discarded. */
export async function keptNotes(drafts) {
  const names = (await drafts.names("voice:")).filter((name) => name.split(":").length === 2);
  const notes = await Promise.all(names.map(async (name) => ({ entry: name.split(":")[1], note: await drafts.get(name) })));
  return notes.filter(({ note }) => note && !note.discarded);
}

class VoiceNote {
  constructor(panel, drafts) {
    const part = (name) => panel.querySelector(`[data-recorder-${name}]`);
    this.panel = panel;
    this.drafts = drafts;
    this.entry = panel.dataset.entry;
    this.name = `voice:${this.entry}`;
    this.says = part("says");
    this.level = part("level");
    this.clock = part("clock");
    this.sent = part("sent");
    this.sounds = part("sounds");
    this.others = part("others");
    const names = ["record", "pause", "stop", "send", "more", "discard", "undo"];
    this.buttons = Object.fromEntries(names.map((name) => [name, part(name)]));
    this.heard = []; // of each take what this page heard itself, for a device that keeps nothing
    this.device = Promise.resolve(); // what is being written on this device, one after the other
    this.kept = true;
    this.failures = 0;
  }

  async start() {
    this.panel.hidden = false;
    const press = { record: () => this.record(), more: () => this.record(), pause: () => this.pauseOrGoOn(), stop: () => this.take.stop(), send: () => this.send(), discard: () => this.discard(), undo: () => this.undo() };
    for (const [name, act] of Object.entries(press)) this.buttons[name].addEventListener("click", act);
    addEventListener("online", () => this.hurry());
    addEventListener("focus", () => this.hurry());
    addEventListener("beforeunload", (event) => { if (this.note && !this.kept) event.preventDefault(); });
    this.show("record");
    await this.findOthers().catch(() => {});
    const note = await this.drafts.get(this.name).catch(() => null);
    if (!note) return;
    if (note.discarded) return this.forget();
    this.note = note;
    document.getElementById(`file-${note.file}`)?.remove(); // it says that the rest is on another device
    if (note.wanted) await this.send();
    else await this.hold();
  }

  show(...names) {
    for (const [name, button] of Object.entries(this.buttons)) button.hidden = !names.includes(name);
  }

  say(words) { this.says.textContent = words; }

  // Recording

  async record() {
    this.say(WORDS.asking);
    if (!this.note || this.note.discarded) {
      await this.forget();
      this.note = { file: crypto.randomUUID(), takes: [] };
    }
    const { level, clock } = this;
    const take = new Take({ level, clock, before: lengthOf(this.note), bitsPerSecond: BITS_PER_SECOND, heard: (second) => this.keep(second), ended: () => this.stopped() });
    try {
      await take.open();
    } catch {
      if (this.note.takes.length) await this.hold();
      else this.note = null;
      this.say(WORDS.refused);
      return;
    }
    this.take = take;
    this.note.takes.push({ type: take.type, seconds: 0 });
    this.heard[this.note.takes.length - 1] = [];
    this.sounds.replaceChildren();
    await this.remember();
    take.start();
    this.buttons.pause.textContent = WORDS.pause;
    this.say(this.kept ? WORDS.recording : WORDS.recordingUnkept);
    this.show("pause", "stop");
    this.buttons.stop.focus();
  }

  pauseOrGoOn() {
    const paused = this.take.pauseOrGoOn();
    this.buttons.pause.textContent = paused ? WORDS.goOn : WORDS.pause;
    this.say(paused ? WORDS.paused : WORDS.recording);
  }

  async stopped() {
    await this.device;
    if (!this.note) return;
    await this.hold();
    this.buttons.send.focus();
  }

  // On this device

  keep(second) {
    const take = this.note.takes.length - 1;
    this.note.takes[take].seconds = this.take.seconds;
    const name = this.second(take, this.heard[take].push(second) - 1);
    this.device = this.device.then(async () => {
      this.kept = await this.drafts.putBytes(name, await second.arrayBuffer()).then(() => true, () => false);
    });
    this.remember();
  }

  second(take, number) { return `${this.name}:${this.note.file}:${numbered(take)}:${numbered(number)}`; }

  remember() {
    const note = structuredClone(this.note);
    this.device = this.device.then(() => this.drafts.put(this.name, note)).catch(() => { this.kept = false; });
    return this.device;
  }

  async forget() {
    this.note = null;
    this.heard = [];
    this.device = this.device.then(() => this.drafts.removeAll(this.name)).catch(() => {});
    await this.device;
  }

  /** The sound of every take in which anything was heard. */
  async soundsOfTakes() {
    const found = [];
    for (const [take, { type }] of this.note.takes.entries()) {
      const seconds = this.heard[take] ?? await this.keptSeconds(take);
      if (seconds.length) found.push(new Blob(seconds, { type }));
    }
    return found;
  }

  async keptSeconds(take) {
    const names = await this.drafts.names(`${this.name}:${this.note.file}:${numbered(take)}:`);
    return Promise.all(names.map((name) => this.drafts.getBytes(name)));
  }

  /** Show what there is, to be sent, gone on with or discarded. */
  async hold() {
    const takes = await this.soundsOfTakes();
    if (takes.length === 0) {
      await this.forget();
      this.show("record");
      return this.say(WORDS.empty);
    }
    const length = lengthOf(this.note);
    const isFull = length >= LONGEST_S - 1;
    this.clock.textContent = minutes(length);
    this.sent.hidden = true;
    this.listen(takes);
    this.say((isFull ? WORDS.full : WORDS.held)(minutes(length)));
    this.show("send", ...(isFull ? [] : ["more"]), "discard");
  }

  listen(takes) {
    for (const { src } of this.sounds.querySelectorAll("audio")) URL.revokeObjectURL(src);
    this.sounds.replaceChildren(...takes.map((take, index) => {
      const audio = document.createElement("audio");
      Object.assign(audio, { controls: true, src: URL.createObjectURL(take) });
      audio.setAttribute("aria-label", WORDS.take(index + 1, takes.length));
      return audio;
    }));
  }

  async discard() {
    this.note.discarded = true;
    await this.remember();
    this.sounds.replaceChildren();
    this.clock.textContent = minutes(0);
    this.say(WORDS.discarded);
    this.show("record", "undo");
    this.buttons.undo.focus();
  }

  async undo() {
    delete this.note.discarded;
    await this.remember();
    await this.hold();
    this.buttons.send.focus();
  }

  async findOthers() {
    const others = (await keptNotes(this.drafts)).filter(({ entry }) => entry !== this.entry);
    this.others.hidden = others.length === 0;
    this.others.replaceChildren(...others.map(({ entry, note }) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = `${this.panel.dataset.writing.replace(this.entry, entry)}#more`;
      link.textContent = WORDS.other(minutes(lengthOf(note)));
      item.append(link);
      return item;
    }));
  }

  // To the server

  hurry() {
    if (!this.note?.wanted || this.sending) return;
    clearTimeout(this.timer);
    this.send();
  }

  async send() {
    if (this.sending) return;
    this.sending = true;
    this.note.wanted = true;
    await this.remember();
    this.show();
    this.sounds.replaceChildren();
    this.say(WORDS.sending);
    const takes = await this.soundsOfTakes();
    const told = takes.length ? await this.sendAll(takes).catch(() => ({ later: WORDS.waiting })) : { empty: true };
    this.sending = false;
    await this.answered(told);
  }

  async answered({ url, later, signedOut, refused, empty }) {
    if (url) return this.arrived(url);
    if (later) {
      this.failures += 1;
      this.say(later);
      this.timer = setTimeout(() => this.hurry(), Math.min(LONGEST_RETRY_MS, 1000 * 2 ** this.failures));
      return;
    }
    if (signedOut) return this.says.replaceChildren(WORDS.signedOut, signInLink());
    delete this.note.wanted;
    await this.remember();
    await this.hold();
    if (!empty) this.say(refused);
  }

  async arrived(url) {
    const { file } = this.note;
    await this.forget();
    this.failures = 0;
    this.sent.hidden = true;
    this.clock.textContent = minutes(0);
    this.show("record");
    this.say(WORDS.arrived);
    document.getElementById(`file-${file}`)?.remove();
    append(url);
  }

  /** Ask what is missing and send it, until nothing is. Rejects where there is no connection. */
  async sendAll(takes) {
    const address = `${this.panel.dataset.notes}/${this.note.file}`;
    const counts = takes.map(({ size }) => Math.ceil(size / PIECE_BYTES));
    const all = counts.reduce((sum, count) => sum + count, 0);
    for (;;) {
      const told = await this.ask(address, new URLSearchParams({ takes: counts.join(",") }));
      if (!told.ok) return told;
      if (told.state !== "arriving") return { url: told.url };
      for (const [index, [take, number]] of told.missing.entries()) {
        this.sent.hidden = false;
        this.sent.value = (all - told.missing.length + index) / all;
        const taken = await this.ask(`${address}/${take}/${number}`, await this.piece(takes[take], number));
        if (!taken.ok) return taken;
      }
    }
  }

  async piece(take, number) {
    const piece = take.slice(number * PIECE_BYTES, (number + 1) * PIECE_BYTES, "application/octet-stream");
    const body = new FormData();
    body.set("digest", hex(await crypto.subtle.digest("SHA-256", await piece.arrayBuffer())));
    body.set("piece", piece, "piece");
    return body;
  }

  async ask(address, body) {
    const answer = await post(address, body, { timeout: TIMEOUT_MS });
    const told = await answer.json().catch(() => ({}));
    if (answer.ok) return { ok: true, ...told };
    if (isSignedOut(answer)) return { signedOut: true };
    if (answer.status === 429 || answer.status >= 500) return { later: WORDS.busy };
    return { refused: told.error ?? WORDS.notTaken };
  }
}
