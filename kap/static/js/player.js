// The session's music: one media element, so that it goes on when the screen locks.
//
// No Web Audio: a phone that locks suspends it, and the music with it. Fades move the element's own volume,
// where the device lets a page do that; where it does not (iOS), play, pause and seek act directly.
// Without this script the element's own controls are there. Where the file is kept on this device (keep.js), the
// element asks for it with ?kept, which the service worker answers.

import { canKeep, isWhole } from "./kept.js";
import { Others } from "./others.js";
import { chooseOutput, keepOutput } from "./output.js";
import { isSignedOut, post, signInLink } from "./server.js";

const PAUSE_FADE_S = 1.5;
const PLAY_FADE_S = 3;
const SEEK_FADE_OUT_S = 0.6;
const SEEK_FADE_IN_S = 1.5;
const LEVEL_FADE_S = 0.15;
const FADE_STEP_MS = 30;
const SKIP_S = 15;
const REMEMBER_EVERY_MS = 2000;
// Music that was playing a moment ago goes on by itself after a reload; older music waits to be asked.
const GOES_ON_WITHIN_MS = 60_000;
const LET_GO_WITHIN_MS = 500; // a tab that was closed or reloaded
const TELL_SERVER_EVERY_MS = 15_000;
const TELL_TIMEOUT_MS = 4000;
const SLOW_AFTER_MS = 4000;
const SWITCH_AFTER_MS = 1000; // from a network that has gone silent to the device
const RETRY_AFTER_MS = 5000;
const SETTLED_AFTER_MS = 1500;

const WORDS = {
  play: "Play",
  pause: "Pause",
  slow: "Waiting for the music to arrive.",
  ready: (time) => `Ready to go on from ${time}.`,
  ended: "The music has ended.",
  offline: "No connection. The music goes on from the same place when it is back.",
  signedOut: "Your sign-in has ended. Sign in, then try again: the music goes on from the same place.",
  missing: "The music cannot be found. Try again, or choose another playlist.",
  unplayable: "This browser cannot play this music. Another browser or device may.",
  blocked: "Press play to go on.",
  elsewhere: "It plays in another tab of this browser. Press play to have it here instead.",
  programme: (clock, surplus) => `The programme ends at ${clock}${surplus ? `; calm music for ${surplus} more` : ""}.`,
  programmeAsleep: (left, surplus) => `The programme has ${left} left${surplus ? `, then calm music for ${surplus}` : ""}.`,
  surplus: (ago, clock) => `The programme ended ${ago} ago. Calm music goes on until ${clock}.`,
  surplusAsleep: (left) => `The programme has ended. There is calm music for ${left}.`,
};
const minutes = (seconds) => (seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`);
/** What the clocks of the practice show then, as the rest of the page writes times. */
const wallClock = (inSeconds, timeZone) => new Date(Date.now() + inSeconds * 1000)
  .toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone });

const wait = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

function put(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

/** What this device remembers; nothing where the browser keeps nothing. */
const memory = {
  read(name) {
    try { return JSON.parse(localStorage.getItem(name)); } catch { return null; }
  },
  write(name, value) {
    try { localStorage.setItem(name, JSON.stringify(value)); } catch { /* closed to us: a reload begins anew */ }
  },
};

/** What this browser calls itself towards the server: chance, kept here. */
function deviceName() {
  const bytes = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0"));
  const name = memory.read("kap-player:device") ?? bytes().join("");
  memory.write("kap-player:device", name);
  return name;
}

/** The element's volume as level times fade. `settable` is false where the device decides. */
class Loudness {
  constructor(audio) {
    this.audio = audio;
    audio.volume = 0.5;
    this.settable = audio.volume === 0.5;
    this.level = 0.6;
    this.fade = 1;
    this.turns = { level: 0, fade: 0 };
    this.apply();
  }

  // Squared, so that the middle of the slider sounds about half as loud.
  apply() { this.audio.volume = this.settable ? this.level ** 2 * this.fade : 1; }

  /** Move `name` ("fade" or "level") to `to`; resolves early, with false, when a later move of it takes over. */
  async ramp(name, to, seconds) {
    const turn = ++this.turns[name];
    const [from, start] = [this[name], performance.now()];
    for (;;) {
      // By the clock and not by counting steps: a hidden page's timers run late.
      const passed = (performance.now() - start) / 1000;
      const part = this.settable && passed < seconds ? passed / seconds : 1;
      this[name] = from + (to - from) * part * part * (3 - 2 * part);
      this.apply();
      if (part === 1) return true;
      await wait(FADE_STEP_MS);
      if (turn !== this.turns[name]) return false;
    }
  }

  set(name, value) {
    this.turns[name] += 1;
    this[name] = value;
    this.apply();
  }
}

class Player {
  constructor(root) {
    const find = (name) => root.querySelector(`[data-${name}]`);
    this.root = root;
    this.audio = find("audio");
    this.marks = JSON.parse(root.dataset.marks);
    this.parts = Object.fromEntries(
      ["controls", "seek", "elapsed", "remaining", "track", "programme", "toggle", "toggle-words", "back", "forward",
        "level", "level-row", "no-level", "says", "retry-row", "retry", "tracks", "outlet", "output", "output-says",
        "others"].map((name) => [name, find(name)]),
    );
    this.lines = [...root.querySelectorAll("[data-here]")];
    this.strip = [...root.querySelectorAll(".phase-strip rect")];
    this.names = [...root.querySelectorAll(".phase-names li")];
    this.place = `kap-player:${root.dataset.session}:${root.dataset.mix}`;
    this.loudness = new Loudness(this.audio);
    this.wanted = false; // whether the person wants music, whatever the element does at this moment
    this.position = 0; // where they want it; the element may still be on its way
    this.target = null; // a seek that is under way
    this.letGo = null; // ends this tab's turn to play
    this.lost = false; // whether the element failed and has to be loaded anew
    this.others = new Others(this.parts.others, (position) => this.join(position));
  }

  async start() {
    this.file = [...this.audio.querySelectorAll("source")].find(({ type }) => this.audio.canPlayType(type))?.getAttribute("src");
    if (canKeep() && navigator.serviceWorker?.controller && this.file && await isWhole(this.file).catch(() => false)) {
      this.kept = true;
      this.takeSource();
    }
    this.audio.removeAttribute("controls");
    this.parts.controls.hidden = false;
    this.parts["level-row"].hidden = !this.loudness.settable;
    this.parts["no-level"].hidden = this.loudness.settable;
    this.level(memory.read("kap-player:level") ?? 60);
    // What this device knows is newer than what it told the server; another device has only the latter.
    const kept = this.asked() ?? memory.read(this.place) ?? { position: Number(this.root.dataset.reached) };
    this.position = kept.position;
    this.listen();
    this.listenToElement();
    this.lockScreen();
    this.nameOutlet();
    // Above the part of the slider that it is about; after it comes the calm music.
    this.root.querySelector(".player-arc").style.inlineSize = `${(100 * this.marks.programme) / this.marks.length}%`;
    this.show();
    this.goOn(kept);
    this.tell();
  }

  /** The moment that the page is about, where it is about one: what this device remembers does not matter then. */
  asked() {
    return "start" in this.root.dataset ? { position: Number(this.root.dataset.start) } : null;
  }

  // What the person asks for

  listen() {
    const { toggle, back, forward, seek, level, retry } = this.parts;
    toggle.addEventListener("click", () => this.toggle());
    back.addEventListener("click", () => this.seek(this.position - SKIP_S));
    forward.addEventListener("click", () => this.seek(this.position + SKIP_S));
    seek.addEventListener("input", () => { this.dragging = true; this.show(); });
    seek.addEventListener("change", () => { this.dragging = false; this.seek(Number(seek.value)); });
    level.addEventListener("input", () => this.level(Number(level.value), LEVEL_FADE_S));
    retry.addEventListener("click", () => this.retry());
    document.addEventListener("keydown", (event) => this.key(event));
    addEventListener("online", () => { if (this.lost) this.retry(); });
    addEventListener("pagehide", () => { this.endTurn(); this.remember(); this.tell({ leaving: true }); });
    document.addEventListener("kap-music-kept", () => this.nowKept());
    document.addEventListener("visibilitychange", () => { this.stayAwake(); this.tell(); });
    document.querySelector("[data-close] form")?.addEventListener("submit", (event) => this.leave(event));
  }

  key(event) {
    const there = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (there.isContentEditable || there.matches("textarea, select, input:not([type=range])")) return;
    if (there === this.parts.level) return;
    const pressed = there.matches("button, a, summary");
    const acts = {
      " ": pressed ? null : () => this.toggle(),
      k: () => this.toggle(),
      ArrowLeft: () => this.seek(this.position - SKIP_S),
      ArrowRight: () => this.seek(this.position + SKIP_S),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    if (!event.repeat || event.key.startsWith("Arrow")) act();
  }

  toggle() { return this.wanted ? this.pause() : this.play(); }

  async play() {
    this.wanted = true;
    this.takeTurn();
    this.say("");
    this.show();
    if (this.lost) return this.load();
    if (this.audio.ended) this.position = this.audio.currentTime = 0;
    if (this.audio.paused) this.loudness.set("fade", 0);
    try {
      await this.audio.play();
    } catch (refusal) {
      return this.notStarted(refusal);
    }
    if (!this.wanted) return undefined;
    this.stayAwake();
    return this.loudness.ramp("fade", 1, PLAY_FADE_S);
  }

  notStarted(refusal) {
    if (refusal.name === "AbortError") return;
    this.loudness.set("fade", 1);
    if (refusal.name === "NotAllowedError") this.stopped(WORDS.blocked);
  }

  async pause() {
    this.wanted = false;
    this.endTurn();
    this.show();
    this.stayAwake();
    if (await this.loudness.ramp("fade", 0, PAUSE_FADE_S) && !this.wanted) this.audio.pause();
    this.remember();
    await this.tell();
  }

  // Of the tabs of one browser one plays a session's music, or it would be heard twice in the room.

  takeTurn() {
    if (!navigator.locks || this.letGo) return;
    const turn = new Promise((resolve) => { this.letGo = resolve; });
    navigator.locks.request(this.place, { steal: true }, () => turn).catch(() => this.lostTurn());
  }

  async lostTurn() {
    this.letGo = null;
    if (!this.wanted) return;
    await this.pause();
    if (!this.wanted) this.say(WORDS.elsewhere);
  }

  endTurn() {
    this.letGo?.();
    this.letGo = null;
  }

  async playsInAnotherTab() {
    if (!navigator.locks) return false;
    const patience = { signal: AbortSignal.timeout(LET_GO_WITHIN_MS) };
    return navigator.locks.request(this.place, patience, () => false).catch(() => true);
  }

  /** Out, there, in again. Asked again on the way, it goes to the last place asked for. */
  async seek(to) {
    this.position = clamp(to, 0, Math.max(0, this.length() - 1));
    this.show();
    if (this.lost) return;
    const moving = this.target !== null;
    this.target = this.position;
    if (moving) return;
    if (!this.audio.paused && this.wanted) await this.loudness.ramp("fade", 0, SEEK_FADE_OUT_S);
    while (this.target !== this.reached) {
      this.reached = this.target;
      await this.jump(this.target);
    }
    this.target = this.reached = null;
    this.remember();
    if (this.wanted) this.loudness.ramp("fade", 1, SEEK_FADE_IN_S);
  }

  async jump(to) {
    if (this.audio.readyState === 0) await this.once("loadedmetadata");
    const arrived = this.once("seeked");
    this.audio.currentTime = to;
    await arrived;
  }

  /** The event, or the element's failure, whichever comes first. */
  once(name) {
    return new Promise((resolve) => {
      this.audio.addEventListener(name, resolve, { once: true });
      this.root.addEventListener("player-lost", resolve, { once: true });
    });
  }

  level(percent, seconds = 0) {
    this.parts.level.value = percent;
    this.parts.level.setAttribute("aria-valuetext", `${percent} percent`);
    memory.write("kap-player:level", percent);
    this.loudness.ramp("level", percent / 100, seconds);
  }

  /** Go on where another device is, so that two in one room sound as one. */
  async join(position) {
    // What it takes to fade out here, the other plays on.
    await this.seek(position + (this.wanted ? SEEK_FADE_OUT_S : 0));
    if (!this.wanted) await this.play();
    await this.tell();
  }

  /** What this device plays through, and where the browser should send it: both are the device's own. */
  nameOutlet() {
    const { outlet, output, "output-says": says } = this.parts;
    if (outlet) {
      outlet.value = memory.read("kap-player:outlet") ?? "unnamed";
      outlet.addEventListener("change", () => { memory.write("kap-player:outlet", outlet.value); this.tell(); });
    }
    if (!output || !("setSinkId" in this.audio)) return;
    output.closest("[data-output-row]").hidden = false;
    keepOutput(this.audio, memory);
    output.addEventListener("click", async () => put(says, await chooseOutput(this.audio, output, memory)));
  }

  /** Closing the session ends the music softly first. */
  async leave(event) {
    if (this.left || this.audio.paused) return;
    event.preventDefault();
    await this.pause();
    this.left = true;
    event.target.requestSubmit();
  }

  // What the element says

  listenToElement() {
    const { audio } = this;
    audio.addEventListener("timeupdate", () => this.moved());
    audio.addEventListener("durationchange", () => this.show());
    audio.addEventListener("playing", () => this.arrived());
    audio.addEventListener("waiting", () => this.slow());
    audio.addEventListener("stalled", () => this.slow());
    audio.addEventListener("ended", () => this.stopped(WORDS.ended));
    audio.addEventListener("error", () => this.failed());
    // The lock screen, or headphones pulled out: the device paused it, and that is what the person meant.
    audio.addEventListener("pause", () => { if (this.wanted && !audio.ended && !this.lost) this.stopped(""); });
    // After a call some devices let it go on by themselves: softly, like everything here.
    audio.addEventListener("play", () => {
      if (this.wanted || this.lost) return;
      this.loudness.set("fade", 0);
      this.play();
    });
    audio.querySelector("source:last-of-type").addEventListener("error", () => { if (!this.fromDevice()) this.failed(); });
    // It may have failed before we listened; but for a moment every element has no source yet.
    setTimeout(() => {
      if (audio.networkState === HTMLMediaElement.NETWORK_NO_SOURCE) this.failed();
    }, SETTLED_AFTER_MS);
  }

  moved() {
    if (this.lost || this.target !== null || this.audio.readyState === 0) return;
    this.position = this.audio.currentTime;
    this.show();
    const now = Date.now();
    if (this.wanted && now - (this.remembered ?? 0) > REMEMBER_EVERY_MS) this.remember();
    if (this.wanted && now - (this.told ?? 0) > TELL_SERVER_EVERY_MS) this.tell();
    this.others.compare(this.position, this.wanted);
  }

  slow() {
    clearTimeout(this.slowTimer);
    this.slowTimer = setTimeout(() => {
      if (!this.wanted || this.lost || this.audio.readyState >= 3) return;
      if (this.kept && !this.fromDevice()) this.load();
      else this.say(WORDS.slow);
    }, this.kept ? SWITCH_AFTER_MS : SLOW_AFTER_MS);
  }

  arrived() {
    clearTimeout(this.slowTimer);
    this.say("");
    if (!this.sounded) {
      this.sounded = true;
      this.tell();
    }
  }

  stopped(words) {
    this.wanted = false;
    this.endTurn();
    this.say(words);
    this.show();
    this.stayAwake();
    this.remember();
    this.tell();
  }

  async failed() {
    if (this.lost) return;
    this.lost = true;
    this.root.dispatchEvent(new Event("player-lost"));
    this.remember();
    const wasFromDevice = this.fromDevice();
    if (wasFromDevice) this.kept = false; // the browser has let go of it, as some do when they need room
    if (this.kept || wasFromDevice) {
      await this.load();
      return;
    }
    await this.explain();
    if (this.cause === "offline") this.retryTimer = setTimeout(() => this.retry(), RETRY_AFTER_MS);
  }

  async explain() {
    this.cause = await this.why();
    this.say(WORDS[this.cause]);
    this.parts["retry-row"].hidden = false;
    if (this.cause !== "signedOut") return;
    // In another tab, so that this page keeps what was typed on it.
    this.parts.says.append(" ", signInLink());
  }

  async why() {
    try {
      const source = this.audio.querySelector("source").src;
      const answer = await fetch(source, { method: "HEAD", redirect: "manual" });
      if (isSignedOut(answer)) return "signedOut";
      if (!answer.ok) return answer.status >= 500 ? "offline" : "missing";
      return this.sounded ? "offline" : "unplayable"; // what played before was only cut off
    } catch {
      return "offline";
    }
  }

  retry() {
    clearTimeout(this.retryTimer);
    if (this.lost) this.load();
  }

  /** The whole file is here. What plays is left alone until its connection breaks. */
  nowKept() {
    this.kept = true;
    if (this.lost) this.retry();
    else if (this.audio.paused && !this.wanted && this.target === null && !this.fromDevice()) this.load();
  }

  fromDevice() { return this.audio.hasAttribute("src"); }

  /** From the device where it is there, else from the server in whichever format this browser plays. */
  takeSource() {
    if (this.kept) this.audio.setAttribute("src", `${this.file}?kept`);
    else this.audio.removeAttribute("src");
  }

  /** Load the file anew and go on from where it was. */
  async load() {
    this.lost = false;
    this.target = this.reached = null;
    this.parts["retry-row"].hidden = true;
    if (this.wanted) this.say(WORDS.slow);
    const ready = this.once("loadedmetadata");
    this.takeSource();
    this.audio.load();
    await ready;
    if (this.lost) return;
    this.say("");
    await this.jump(this.position);
    if (this.wanted) await this.play();
  }

  // What is shown

  length() { return Number.isFinite(this.audio.duration) ? this.audio.duration : this.marks.length; }

  show() {
    const { seek, elapsed, remaining, toggle, "toggle-words": words } = this.parts;
    const at = this.dragging ? Number(seek.value) : this.position;
    put(elapsed, clock(at));
    put(remaining, clock((at < this.marks.programme ? this.marks.programme : this.length()) - at));
    this.showProgramme(at);
    if (!this.dragging) seek.value = Math.round(at);
    seek.max = Math.floor(this.length());
    toggle.classList.toggle("playing", this.wanted);
    put(words, this.wanted ? WORDS.pause : WORDS.play);
    this.here(at);
  }

  showProgramme(at) {
    const [left, after] = [this.marks.programme - at, this.length() - Math.max(at, this.marks.programme)];
    const { zone } = this.root.dataset;
    const surplus = after >= 60 ? minutes(after) : "";
    const words = left > 0
      ? (this.wanted ? WORDS.programme(wallClock(left, zone), surplus) : WORDS.programmeAsleep(minutes(left), surplus))
      : (this.wanted ? WORDS.surplus(minutes(-left), wallClock(after, zone)) : WORDS.surplusAsleep(minutes(after)));
    put(this.parts.programme, words);
  }

  here(at) {
    const part = clamp(at / this.marks.programme, 0, 1); // the arc is drawn for the programme
    for (const line of this.lines) {
      const x = line.getAttribute("x1").endsWith("%") ? `${(part * 100).toFixed(2)}%` : (part * 1000).toFixed(1);
      line.setAttribute("x1", x);
      line.setAttribute("x2", x);
    }
    const phase = this.marks.phases.findLastIndex(({ start }) => start <= at);
    const track = this.marks.tracks.findLastIndex(({ start, end }) => start <= at && at < end);
    const label = this.marks.phases[phase]?.label ?? "";
    this.parts.seek.setAttribute("aria-valuetext", `${clock(at)} of ${clock(this.length())}, ${label}`);
    if (phase !== this.phase) this.markPhase(phase);
    if (track !== this.track) this.markTrack(track);
  }

  markPhase(phase) {
    this.phase = phase;
    this.strip.forEach((rect, index) => {
      rect.classList.toggle("now", index === phase);
      const name = rect.nextElementSibling;
      if (name?.tagName === "text") name.classList.toggle("now", index === phase);
    });
    this.names.forEach((name, index) => {
      if (index === phase) name.setAttribute("aria-current", "step");
      else name.removeAttribute("aria-current");
    });
  }

  markTrack(track) {
    this.track = track;
    put(this.parts.track, this.marks.tracks[track]?.title ?? "");
    this.parts.tracks.querySelectorAll("li").forEach((line, index) => {
      if (index === track) line.setAttribute("aria-current", "true");
      else line.removeAttribute("aria-current");
    });
  }

  say(words) { put(this.parts.says, words); }

  // Around the page

  remember() {
    this.remembered = Date.now();
    memory.write(this.place, { position: this.position, playing: this.wanted, at: this.remembered });
  }

  async goOn({ position, playing, at }) {
    if (!position) return;
    await this.seek(position);
    if (this.lost) return;
    this.say(WORDS.ready(clock(this.position)));
    if (!playing || Math.abs(Date.now() - at) > GOES_ON_WITHIN_MS) return;
    if (await this.playsInAnotherTab()) this.say(WORDS.elsewhere);
    else await this.play();
  }

  /**
   * Say to the server where this device is, and hear where others are. While music plays this is repeated, which
   * also keeps the person signed in; a page that only stands open says it once.
   */
  async tell({ leaving = false } = {}) {
    const { following } = this.root.dataset;
    if (!following) return;
    this.told = Date.now();
    const body = new URLSearchParams({
      position: this.position.toFixed(1),
      sounded: this.sounded ? "yes" : "no",
      playing: this.wanted && !leaving ? "yes" : "no",
      device: deviceName(),
      outlet: this.parts.outlet.value,
    });
    try {
      const answer = await post(following, body, { timeout: TELL_TIMEOUT_MS, keepalive: true });
      if (!answer.ok) return;
      const { others } = await answer.json();
      this.others.heard(others);
      this.others.compare(this.position, this.wanted);
      document.dispatchEvent(new CustomEvent("kap-connected"));
    } catch {
      // No connection: it is told the next time.
    }
  }

  async stayAwake() {
    if (!this.wanted) {
      const lock = this.lock;
      this.lock = null;
      await lock?.release().catch(() => {});
    } else if (document.visibilityState === "visible" && (!this.lock || this.lock.released)) {
      this.lock = await navigator.wakeLock?.request("screen").catch(() => null);
    }
  }

  lockScreen() {
    if ("audioSession" in navigator) navigator.audioSession.type = "playback";
    const media = navigator.mediaSession;
    if (!media) return;
    // Never who it is for: a lock screen is read by whoever passes.
    media.metadata = new MediaMetadata({ title: "Music", artist: this.root.dataset.album });
    const acts = {
      play: () => this.play(),
      pause: () => this.pause(),
      stop: () => this.pause(),
      seekto: ({ seekTime }) => this.seek(seekTime),
      seekbackward: ({ seekOffset }) => this.seek(this.position - (seekOffset || SKIP_S)),
      seekforward: ({ seekOffset }) => this.seek(this.position + (seekOffset || SKIP_S)),
    };
    for (const [name, act] of Object.entries(acts)) {
      try { media.setActionHandler(name, act); } catch { /* a browser that does not know this one */ }
    }
    const shown = () => {
      media.playbackState = this.wanted ? "playing" : "paused";
      if (Number.isFinite(this.audio.duration)) {
        media.setPositionState?.({ duration: this.audio.duration, position: Math.min(this.position, this.audio.duration) });
      }
    };
    for (const name of ["play", "pause", "seeked", "durationchange"]) this.audio.addEventListener(name, shown);
  }
}

const root = document.querySelector("[data-player]");
const player = root && new Player(root);
await player?.start();

/** Seconds into the music, or null before it has sounded. */
export const musicPosition = () => (player?.position ? player.position : null);
