// A microphone and what it hears, for whoever records: recorder.js makes a file of it, voice.js keeps every second.
const KINDS = [["audio/webm;codecs=opus", "webm"], ["audio/mp4;codecs=mp4a.40.2", "m4a"], ["audio/mp4", "m4a"], ["audio/ogg;codecs=opus", "ogg"]];
const SECOND_MS = 1000;
export const LONGEST_S = 20 * 60;

export const canRecord = () => Boolean(navigator.mediaDevices?.getUserMedia) && typeof MediaRecorder !== "undefined";
export const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

/** One recording, from the microphone's opening to its end; pauses are left out. */
export class Take {
  /**
   * `heard(blob)` is called about every second, `ended()` once all has been heard. `level` is a meter, `clock` shows
   * how long it has been going on after `before` seconds of earlier takes.
   */
  constructor({ heard, ended, level, clock, before = 0, bitsPerSecond }) {
    Object.assign(this, { heard, ended, level, clock, before, bitsPerSecond });
    this.seconds = 0;
  }

  /** Rejects where the microphone does not open. */
  async open() {
    // No processing for telephone calls: it cuts the quiet ends of words.
    this.stream = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });
    const [type, ending] = KINDS.find(([kind]) => MediaRecorder.isTypeSupported(kind)) ?? ["", "webm"];
    this.ending = ending;
    this.recorder = new MediaRecorder(this.stream, { ...(type ? { mimeType: type } : {}), audioBitsPerSecond: this.bitsPerSecond });
    this.recorder.addEventListener("dataavailable", ({ data }) => { if (data.size) this.heard(data); });
    this.recorder.addEventListener("stop", () => this.stopped());
    // A telephone call, or a microphone that is pulled out.
    for (const track of this.stream.getTracks()) track.addEventListener("ended", () => this.stop());
  }

  get type() { return this.recorder.mimeType.split(";")[0] || "audio/webm"; }
  get state() { return this.recorder?.state ?? "inactive"; }

  start() {
    this.context = new AudioContext();
    const analyser = this.context.createAnalyser();
    analyser.fftSize = 2048;
    this.context.createMediaStreamSource(this.stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let before = performance.now();
    this.level.hidden = false;
    this.ticking = setInterval(() => {
      const now = performance.now();
      if (this.state === "recording") this.seconds += (now - before) / 1000;
      before = now;
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      this.level.value = Math.max(0, 1 + (10 * Math.log10(power + 1e-9)) / 60);
      this.clock.textContent = minutes(this.before + this.seconds);
      if (this.before + this.seconds >= LONGEST_S) this.stop();
    }, 100);
    this.recorder.start(SECOND_MS);
  }

  /** Whether it is paused now. */
  pauseOrGoOn() {
    const pausing = this.state === "recording";
    if (pausing) this.recorder.pause();
    else this.recorder.resume();
    return pausing;
  }

  stop() {
    if (this.state !== "inactive") this.recorder.stop();
  }

  stopped() {
    clearInterval(this.ticking);
    this.stream.getTracks().forEach((track) => track.stop());
    this.context.close();
    this.level.hidden = true;
    this.ended();
  }
}
