// Music that begins, moves and ends softly: an <audio> whose volume ramps. Where a device does not let a page set
// the volume (iPad), it simply starts and stops.
const FADE_MS = 250;
const MOVE_MS = 80;
const STEP_MS = 16;

export class Soft {
  #timer = 0;

  constructor(audio) {
    this.audio = audio;
  }

  /** Resolves when the volume has arrived; never, where another ramp took over. */
  #ramp(to, ms) {
    clearInterval(this.#timer);
    const from = this.audio.volume;
    const begun = performance.now();
    return new Promise((resolve) => {
      this.#timer = setInterval(() => {
        const part = Math.min(1, (performance.now() - begun) / ms);
        this.audio.volume = from + (to - from) * part;
        if (part < 1) return;
        clearInterval(this.#timer);
        resolve();
      }, STEP_MS);
    });
  }

  /** Play on, or from a second. Rejects where the browser cannot play this. */
  async play(from) {
    if (from !== undefined) {
      if (!this.audio.paused) await this.#ramp(0, MOVE_MS);
      this.audio.currentTime = from;
    }
    if (this.audio.paused) this.audio.volume = 0;
    await this.audio.play();
    this.#ramp(1, FADE_MS);
  }

  async pause() {
    await this.#ramp(0, FADE_MS);
    this.audio.pause();
  }
}

/** 4:10, 1:05:00: as players write it. */
export function timecode(seconds) {
  const whole = Math.round(seconds);
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** An icon of the set, as the macro icon() draws it. */
export function icon(name) {
  const sprite = document.querySelector("svg.icon use").getAttribute("href").split("#")[0];
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  picture.setAttribute("class", "icon");
  picture.setAttribute("aria-hidden", "true");
  picture.setAttribute("focusable", "false");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${sprite}#${name}`);
  picture.append(use);
  return picture;
}

/** Show on a button whether pressing it plays or pauses. */
export function showPlaying(button, playing) {
  button.querySelector("use").setAttribute("href", icon(playing ? "pause" : "play").firstChild.getAttribute("href"));
}

export const CANNOT_PLAY = "This browser cannot play this kind of file.";
