// Recording guidance in the browser: <form data-recorder> with a file field. What was recorded becomes the file of
// that form, so that it is sent, checked and refused as an uploaded one would be. Without this script one uploads.
import { Take, canRecord, minutes } from "./microphone.js";
import { isSignedOut, post, signInLink } from "./server.js";

const WORDS = {
  asking: "Your browser may ask whether this page may use the microphone.",
  refused: "The microphone did not open. Allow it for this page in the browser's settings, or choose a file below.",
  recording: "Recording",
  paused: "Paused",
  done: (length) => `${length} recorded. Listen to it, then keep it or record again.`,
  sending: "Sending",
  lost: "The recording did not arrive. It is still here: try again when there is a connection.",
  signedOut: "Your sign-in has ended; the recording is still here. Sign in, then keep it again. ",
  pause: "Pause",
  goOn: "Go on",
};
const BITS_PER_SECOND = 96_000;
const SEND_MS = 10 * 60_000;

export function install(form) {
  if (!canRecord()) return;
  new Recorder(form).start();
}

class Recorder {
  constructor(form) {
    const part = (name) => form.querySelector(`[data-recorder-${name}]`);
    this.form = form;
    this.file = form.querySelector('input[type="file"]');
    this.title = form.querySelector('input[name="title"]');
    this.panel = part("panel");
    this.says = part("says");
    this.level = part("level");
    this.clock = part("clock");
    this.sound = part("sound");
    this.buttons = Object.fromEntries(["record", "pause", "stop", "again"].map((name) => [name, part(name)]));
    this.unsent = false;
  }

  start() {
    this.panel.hidden = false;
    this.show("record");
    this.buttons.record.addEventListener("click", () => this.record());
    this.buttons.again.addEventListener("click", () => this.record());
    this.buttons.pause.addEventListener("click", () => this.pauseOrGoOn());
    this.buttons.stop.addEventListener("click", () => this.take.stop());
    this.form.addEventListener("submit", (event) => this.send(event));
    addEventListener("beforeunload", (event) => { if (this.unsent) event.preventDefault(); });
  }

  show(...names) {
    for (const [name, button] of Object.entries(this.buttons)) button.hidden = !names.includes(name);
  }

  async record() {
    this.says.textContent = WORDS.asking;
    const { level, clock } = this;
    const take = new Take({ level, clock, bitsPerSecond: BITS_PER_SECOND, heard: (piece) => this.pieces.push(piece), ended: () => this.stopped() });
    try {
      await take.open();
    } catch {
      this.says.textContent = WORDS.refused;
      return;
    }
    this.take = take;
    this.pieces = [];
    this.unsent = true;
    this.sound.hidden = true;
    take.start();
    this.buttons.pause.textContent = WORDS.pause;
    this.says.textContent = WORDS.recording;
    this.show("pause", "stop");
    this.buttons.stop.focus();
  }

  pauseOrGoOn() {
    const paused = this.take.pauseOrGoOn();
    this.buttons.pause.textContent = paused ? WORDS.goOn : WORDS.pause;
    this.says.textContent = paused ? WORDS.paused : WORDS.recording;
  }

  stopped() {
    const file = new File(this.pieces, `recording.${this.take.ending}`, { type: this.take.type });
    const files = new DataTransfer();
    files.items.add(file);
    this.file.files = files.files;
    if (this.sound.src) URL.revokeObjectURL(this.sound.src);
    this.sound.src = URL.createObjectURL(file);
    this.sound.hidden = false;
    this.says.textContent = WORDS.done(minutes(this.take.seconds));
    this.show("again");
    this.buttons.again.focus();
  }

  /** Sent by the script, so that a recording outlives a lost connection: a form that does not arrive takes it along. */
  async send(event) {
    if (!this.unsent) return;
    event.preventDefault();
    if (this.take?.state !== "inactive" || this.sending) return;
    this.sending = true;
    this.says.textContent = WORDS.sending;
    const answer = await post(this.form.action, new FormData(this.form), { timeout: SEND_MS }).catch(() => null);
    const told = await answer?.json().catch(() => null);
    this.sending = false;
    if (answer?.ok && told?.url) {
      this.unsent = false;
      location.assign(told.url);
    } else if (answer && isSignedOut(answer)) {
      this.says.replaceChildren(WORDS.signedOut, signInLink());
    } else {
      this.says.textContent = told?.message ?? WORDS.lost;
    }
  }
}
