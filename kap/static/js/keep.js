// The session's music comes onto this device: <div data-keep="<path of its page>">. Without this script, or where
// the browser keeps nothing, the music plays over the network as before.
import {
  KEPT_FOR_MS, canKeep, describeFile, forgetPage, isSame, isWhole, keepPage, keepPart, keptFile, keptPage, partsHere, sweep,
} from "./kept.js";
import { forgetPlaces } from "./places.js";
import { isSignedOut, meta, signInLink } from "./server.js";

const RETRY_AFTER_MS = 3000;
const LONGEST_RETRY_MS = 30_000;
const WORKER = "/service-worker.js";

const WORDS = {
  ready: "Ready: works without network.",
  reload: "The music is on this device. Load this page again, then it works without network.",
  waiting: (progress) => `Waiting for the connection. ${progress}; it goes on from there.`,
  full: (size) => `This device has no room for ${size ? `the ${size} of ` : ""}this music. Make room and try again. Until then it plays over the network.`,
  damaged: "The music arrived damaged and was not kept. Try again. Until then it plays over the network.",
  ended: "Your sign-in has ended. Sign in, then try again.",
  missing: "This music is no longer there. Reload this page.",
  never: "This browser keeps no music here, so it plays over the network. An up-to-date browser and an address that begins with https would.",
  unplayable: "This browser cannot play this music, so it is not kept.",
  elsewhere: "Another tab is fetching it.",
};

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
const wait = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** Why a download stopped, where trying again by itself is of no use: the name of its words. */
class Stopped extends Error {}

class Keeping {
  constructor(root) {
    const find = (name) => root.querySelector(`[data-keep-${name}]`);
    this.root = root;
    this.page = root.dataset.keep;
    this.says = find("says");
    this.bar = find("bar");
    this.row = find("row");
    this.button = find("start");
    // The first format that this browser plays; the player's sources stand in the same order.
    const element = document.createElement("audio");
    this.source = JSON.parse(root.dataset.keepFiles).find(({ type }) => element.canPlayType(type));
  }

  async start() {
    this.root.hidden = false;
    this.button.addEventListener("click", () => this.keep());
    if (!canKeep() || !("serviceWorker" in navigator)) return this.stop("never");
    if (!this.source) return this.stop("unplayable");
    const { file } = this.source;
    await tidy(); // or it would take away what is found here
    const known = await keptPage(this.page);
    const page = { user: meta("kap-user"), file, html: keptParts || known?.html || "" };
    if (await isWhole(file)) {
      if (!isWithoutNetwork()) await keepPage(this.page, page); // only the server's page starts its time anew
      await this.watch();
      await this.ready();
      if (await this.isReplaced()) await this.keep();
    } else if ("keepNow" in this.root.dataset || known) {
      await this.keep();
    } else {
      this.row.hidden = false;
    }
    return undefined;
  }

  async keep() {
    if (this.busy) return;
    this.busy = true;
    this.row.hidden = true;
    try {
      await this.watch();
      navigator.storage?.persist?.().catch(() => {}); // asks nothing of the person where it is refused
      await keepPage(this.page, { user: meta("kap-user"), file: this.source.file, html: keptParts });
      await sweep(meta("kap-user")); // music this session had before
      await this.alone(() => this.download());
      await this.ready();
    } catch (problem) {
      this.stop(problem instanceof Stopped ? problem.message : problem.name === "QuotaExceededError" ? "full" : "never");
    } finally {
      this.busy = false;
    }
  }

  /** Whether the server plays another file there by now. Where it does not answer, what is here counts. */
  async isReplaced() {
    const [known, told] = [await keptFile(this.source.file), await this.json(this.source.about).catch(() => null)];
    return told !== null && known !== null && !isSame(known, told);
  }

  /** The worker that answers for the music stands between this page and the network. */
  async watch() {
    if (navigator.serviceWorker.controller) return; // it looks for a newer one by itself
    await navigator.serviceWorker.register(WORKER, { scope: "/" });
    await navigator.serviceWorker.ready;
    if (navigator.serviceWorker.controller) return;
    await Promise.race([
      new Promise((resolve) => { navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }); }),
      wait(RETRY_AFTER_MS),
    ]);
  }

  /** Two tabs do not fetch the same music twice. */
  async alone(work) {
    if (!navigator.locks) return work();
    const name = `kap-keep:${this.source.file}`;
    const done = await navigator.locks.request(name, { ifAvailable: true }, (lock) => lock && work().then(() => true));
    if (done) return undefined;
    this.say(WORDS.elsewhere);
    return navigator.locks.request(name, work);
  }

  async download() {
    for (let failures = 0; ;) {
      try {
        await this.fetchParts();
        return;
      } catch (problem) {
        if (problem instanceof Stopped || problem.name === "QuotaExceededError") throw problem;
        failures += 1;
        this.say(WORDS.waiting(await this.progress()));
        await this.connection(Math.min(LONGEST_RETRY_MS, RETRY_AFTER_MS * failures));
      }
    }
  }

  connection(most) {
    return Promise.race([wait(most), new Promise((resolve) => { addEventListener("online", resolve, { once: true }); })]);
  }

  async fetchParts() {
    const { file, about } = this.source;
    await describeFile(file, await this.json(about)); // parts of what was there before go
    const description = await keptFile(file);
    await this.checkRoom(description);
    for (const [number, digest] of description.digests.entries()) {
      if (!(await partsHere(file)).has(number)) await this.fetchPart(description, number, digest);
      await this.showProgress(description);
    }
    if (!(await isWhole(file))) throw new Stopped("ended"); // taken away meanwhile: somebody signed out
  }

  async checkRoom({ length }) {
    const { quota = Infinity, usage = 0 } = (await navigator.storage?.estimate?.().catch(() => null)) ?? {};
    const here = (await partsHere(this.source.file)).size;
    if (here === 0 && quota - usage < length) {
      this.size = length;
      throw new Stopped("full");
    }
  }

  async fetchPart(description, number, digest) {
    const { length, size, etag } = description;
    this.size = length;
    const start = number * size;
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const headers = { Range: `bytes=${start}-${Math.min(start + size, length) - 1}`, "If-Range": etag };
      const bytes = await (await this.asked(this.source.file, headers, 206)).arrayBuffer();
      if (await sha256(bytes) === digest) return keepPart(this.source.file, number, bytes);
    }
    throw new Stopped("damaged");
  }

  async json(address) { return (await this.asked(address, { Accept: "application/json" }, 200)).json(); }

  async asked(address, headers, wanted) {
    const answer = await fetch(address, { headers, redirect: "manual", cache: "no-store" });
    if (answer.status === wanted) return answer;
    if (isSignedOut(answer)) throw new Stopped("ended");
    if (answer.status >= 500 || answer.status === 429) throw new Error(String(answer.status));
    throw new Stopped("missing");
  }

  async progress() {
    const description = await keptFile(this.source.file);
    if (!description) return "Nothing of it is here yet";
    const { length, size } = description;
    const here = Math.min(length, (await partsHere(this.source.file)).size * size);
    this.bar.value = here / length;
    return `${megabytes(here)} of ${megabytes(length)} are on this device`;
  }

  async showProgress() {
    this.bar.hidden = false;
    this.say(`${await this.progress()}.`);
  }

  async ready() {
    this.bar.hidden = true;
    this.row.hidden = true;
    this.root.dataset.state = "ready";
    // A page that was reloaded past its worker stays without one until it is loaded again.
    this.say(navigator.serviceWorker.controller ? WORDS.ready : WORDS.reload);
    if (navigator.serviceWorker.controller) document.dispatchEvent(new CustomEvent("kap-music-kept"));
  }

  stop(reason) {
    const words = reason === "full" ? WORDS.full(this.size && megabytes(this.size)) : WORDS[reason];
    this.root.dataset.state = "stopped";
    this.bar.hidden = true;
    this.row.hidden = ["never", "unplayable", "missing"].includes(reason);
    this.button.querySelector("[data-keep-words]").textContent = "Try again";
    this.say(words);
    if (reason === "ended") this.says.append(" ", signInLink());
  }

  say(words) { if (this.says.textContent !== words) this.says.textContent = words; }
}

async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Taken before any script has changed them: this module is imported before the player starts.
// A page without any (a session that is not open yet) has nothing to show without a network.
const keptParts = [...document.querySelectorAll("[data-kept-part]")].map((part) => {
  const copy = part.cloneNode(true);
  copy.querySelectorAll('input[name="csrf_token"]').forEach((token) => token.remove());
  copy.querySelectorAll("textarea").forEach((box) => { box.textContent = ""; }); // words go to drafts.js, sealed
  return copy.outerHTML;
}).join("\n");

/** Whether this is the page that stands in for a room's: js/offline.js. */
const isWithoutNetwork = () => document.querySelector("[data-kept-here]") !== null;

/** `data-keep-end` is on the page of a session that is over: nothing of it stays here. */
export async function install(root) {
  if ("keep" in root.dataset) return new Keeping(root).start();
  const page = root.dataset.keepEnd;
  forgetPlaces(page.split("/").pop());
  return canKeep() ? forgetPage(page).catch(() => {}) : undefined;
}

let tidied;

/** On any page, once: what is over goes, and what belongs to someone else who was here before. */
export function tidy() {
  tidied ??= sweepHere();
  return tidied;
}

async function sweepHere() {
  forgetPlaces("", (place) => Math.abs(Date.now() - place.at) > KEPT_FOR_MS);
  if (canKeep() && navigator.serviceWorker?.controller) await sweep(meta("kap-user")).catch(() => {});
}
