// Recording guidance in the browser: <form data-recorder> with a file field. What was recorded becomes the file of
// that form, so that it is sent, checked and refused as an uploaded one would be. Without this script one uploads.
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
const KINDS = [["audio/webm;codecs=opus", "webm"], ["audio/mp4;codecs=mp4a.40.2", "m4a"], ["audio/mp4", "m4a"], ["audio/ogg;codecs=opus", "ogg"]];
const LONGEST_S = 20 * 60;
const BITS_PER_SECOND = 96_000;
const SEND_MS = 10 * 60_000;

export function install(form) {
  if (!navigator.mediaDevices?.getUserMedia || typeof MediaRecorder === "undefined") return;
  new Recorder(form).start();
}

const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

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
    this.seconds = 0;
    this.unsent = false;
  }

  start() {
    this.panel.hidden = false;
    this.show("record");
    this.buttons.record.addEventListener("click", () => this.record());
    this.buttons.again.addEventListener("click", () => this.record());
    this.buttons.pause.addEventListener("click", () => this.pauseOrGoOn());
    this.buttons.stop.addEventListener("click", () => this.recorder.stop());
    this.form.addEventListener("submit", (event) => this.send(event));
    addEventListener("beforeunload", (event) => { if (this.unsent) event.preventDefault(); });
  }

  show(...names) {
    for (const [name, button] of Object.entries(this.buttons)) button.hidden = !names.includes(name);
  }

  async record() {
    this.says.textContent = WORDS.asking;
    try {
      // No processing for telephone calls: it cuts the quiet ends of words.
      this.stream = await navigator.mediaDevices.getUserMedia({
        audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
      });
    } catch {
      this.says.textContent = WORDS.refused;
      return;
    }
    const [type, ending] = KINDS.find(([kind]) => MediaRecorder.isTypeSupported(kind)) ?? ["", "webm"];
    this.ending = ending;
    this.pieces = [];
    this.seconds = 0;
    this.unsent = true;
    this.sound.hidden = true;
    this.recorder = new MediaRecorder(this.stream, { ...(type ? { mimeType: type } : {}), audioBitsPerSecond: BITS_PER_SECOND });
    this.recorder.addEventListener("dataavailable", ({ data }) => { if (data.size) this.pieces.push(data); });
    this.recorder.addEventListener("stop", () => this.stopped());
    this.listen();
    this.recorder.start(1000);
    this.buttons.pause.textContent = WORDS.pause;
    this.says.textContent = WORDS.recording;
    this.show("pause", "stop");
    this.buttons.stop.focus();
  }

  /** The level, and how long it has been going on: counted while it records, so pauses are left out. */
  listen() {
    this.context = new AudioContext();
    const analyser = this.context.createAnalyser();
    analyser.fftSize = 2048;
    this.context.createMediaStreamSource(this.stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let before = performance.now();
    this.level.hidden = false;
    this.ticking = setInterval(() => {
      const now = performance.now();
      if (this.recorder.state === "recording") this.seconds += (now - before) / 1000;
      before = now;
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      this.level.value = Math.max(0, 1 + (10 * Math.log10(power + 1e-9)) / 60);
      this.clock.textContent = minutes(this.seconds);
      if (this.seconds >= LONGEST_S && this.recorder.state !== "inactive") this.recorder.stop();
    }, 100);
  }

  pauseOrGoOn() {
    const pausing = this.recorder.state === "recording";
    if (pausing) this.recorder.pause();
    else this.recorder.resume();
    this.buttons.pause.textContent = pausing ? WORDS.goOn : WORDS.pause;
    this.says.textContent = pausing ? WORDS.paused : WORDS.recording;
  }

  stopped() {
    clearInterval(this.ticking);
    this.stream.getTracks().forEach((track) => track.stop());
    this.context.close();
    this.level.hidden = true;
    const type = this.recorder.mimeType.split(";")[0] || "audio/webm";
    const file = new File(this.pieces, `recording.${this.ending}`, { type });
    const files = new DataTransfer();
    files.items.add(file);
    this.file.files = files.files;
    if (this.sound.src) URL.revokeObjectURL(this.sound.src);
    this.sound.src = URL.createObjectURL(file);
    this.sound.hidden = false;
    this.says.textContent = WORDS.done(minutes(this.seconds));
    this.show("again");
    this.buttons.again.focus();
  }

  /** Sent by the script, so that a recording outlives a lost connection: a form that does not arrive takes it along. */
  async send(event) {
    if (!this.unsent) return;
    event.preventDefault();
    if (this.recorder?.state !== "inactive" || this.sending) return;
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
