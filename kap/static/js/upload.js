// Files and folders sent one by one with their progress: <form data-upload> from the macro upload(). The server
// answers each with {"ok", "name", "message", "known", "tracks"}, or {"error"}; where the form has data-standing,
// it is asked there how far the work on what arrived is. Without this script the form sends them all at once.
import { dropped, musicIn } from "./folder.js";

const ASK_AGAIN_MS = 2000;
const ASKED_AT_ONCE = 50;
const MEGABYTE = 1_000_000;
const WORDS = {
  waiting: "Waiting",
  sending: (part) => `${Math.round(part * 100)} % sent`,
  checking: "Arrived. Being checked",
  lost: "This file did not arrive.",
  cancelled: "Cancelled; it was not added.",
  large: (most) => `This file is larger than ${most} MB and was not sent.`,
  again: "Try again",
  cancel: "Cancel",
  look: "Open it",
  none: "Choose one or more files first.",
  left: (count) => ` ${count} ${count === 1 ? "file that is" : "files that are"} no music ${count === 1 ? "was" : "were"} left out.`,
  summary: (arrived, all) => `${arrived} of ${all} ${all === 1 ? "file" : "files"} arrived.`,
};

export function install(form) {
  new Upload(form).start();
}

class Upload {
  constructor(form) {
    this.form = form;
    this.inputs = [...form.querySelectorAll('input[type="file"]')];
    this.zone = form.querySelector("[data-drop]");
    this.list = form.querySelector("[data-upload-list]");
    this.summary = form.querySelector("[data-upload-summary]");
    this.cancelAll = form.querySelector("[data-upload-cancel]");
    this.standing = form.dataset.standing;
    this.most = Number(form.dataset.most) || Infinity;
    this.waiting = [];
    this.worked = new Map();
    this.running = false;
    this.all = 0;
    this.arrived = 0;
    this.left = 0;
  }

  start() {
    for (const input of this.inputs) input.required = false;
    this.form.querySelector("[data-drop-hint]").hidden = false;
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.zone.addEventListener("dragover", (event) => {
      event.preventDefault();
      this.zone.classList.add("over");
    });
    this.zone.addEventListener("dragleave", () => this.zone.classList.remove("over"));
    this.zone.addEventListener("drop", async (event) => {
      event.preventDefault();
      this.zone.classList.remove("over");
      this.take(await dropped(event.dataTransfer));
    });
    this.cancelAll.addEventListener("click", () => this.cancelEverything());
    addEventListener("beforeunload", (event) => { if (this.running) event.preventDefault(); });
  }

  submit() {
    for (const input of this.inputs) {
      this.take(input.webkitdirectory ? musicIn(input.files) : { files: [...input.files], left: 0 });
      input.value = "";
    }
    if (this.all === 0 && this.left === 0) this.summary.textContent = WORDS.none;
  }

  take({ files, left }) {
    this.left += left;
    for (const file of files) {
      this.all += 1;
      const one = { file, line: this.line(file) };
      if (file.size > this.most * MEGABYTE) this.end(one, { ok: false, message: WORDS.large(this.most) });
      else this.queue(one);
    }
    if (files.length > 0 || left > 0) this.run();
  }

  queue(one) {
    one.line.bar.hidden = false;
    one.line.bar.value = 0;
    one.line.message.textContent = WORDS.waiting;
    this.button(one, WORDS.cancel, () => this.cancel(one));
    this.waiting.push(one);
  }

  async run() {
    if (this.running) return;
    this.running = true;
    this.cancelAll.hidden = false;
    this.summary.textContent = "";
    while (this.waiting.length > 0) await this.send(this.waiting.shift());
    this.running = false;
    this.cancelAll.hidden = true;
    this.summary.textContent = WORDS.summary(this.arrived, this.all) + (this.left ? WORDS.left(this.left) : "");
    this.form.dispatchEvent(new CustomEvent("kap:uploaded", { bubbles: true }));
  }

  line(file) {
    const item = document.createElement("li");
    const name = document.createElement("span");
    name.className = "name";
    name.textContent = file.webkitRelativePath || file.name;
    const bar = document.createElement("progress");
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", file.name);
    const message = document.createElement("span");
    message.className = "message";
    message.textContent = WORDS.waiting;
    item.append(name, bar, message);
    this.list.append(item);
    return { item, bar, message };
  }

  /** The one button of a line: cancel while it is on its way, try again when it was lost. */
  button({ file, line }, words, act) {
    line.button?.remove();
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button plain";
    button.textContent = words;
    button.setAttribute("aria-label", `${words}: ${file.name}`);
    button.addEventListener("click", act);
    line.item.append(button);
    line.button = button;
  }

  async send(one) {
    this.end(one, await this.post(one).catch(() => null));
  }

  /** Say what became of a file; without an answer, or cancelled, it can be tried again. */
  end(one, answer) {
    const { line } = one;
    line.button?.remove();
    line.bar.hidden = true;
    line.item.dataset.ok = String(answer?.ok ?? false);
    line.message.textContent = answer?.message ?? answer?.error ?? WORDS.lost;
    if (answer?.ok) this.arrived += 1;
    else if (answer?.ok === undefined || answer.cancelled) this.button(one, WORDS.again, () => this.again(one));
    if (answer?.ok && !answer.known) this.follow(answer.tracks ?? [], line);
  }

  again(one) {
    delete one.line.item.dataset.ok;
    this.queue(one);
    this.run();
  }

  cancel(one) {
    const at = this.waiting.indexOf(one);
    if (at >= 0) {
      this.waiting.splice(at, 1);
      this.end(one, { ok: false, cancelled: true, message: WORDS.cancelled });
    } else {
      one.request?.abort();
    }
  }

  cancelEverything() {
    for (const one of [...this.waiting]) this.cancel(one);
    this.sending?.abort();
  }

  /** The server's answer to one file; rejects when there is none. fetch() cannot report how far it has got. */
  post(one) {
    const { file, line } = one;
    const body = new FormData(this.form);
    for (const input of this.inputs) body.delete(input.name);
    body.append(this.inputs[0].name, file, file.name);
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      one.request = this.sending = request;
      request.open("POST", this.form.action);
      request.setRequestHeader("Accept", "application/json");
      request.upload.addEventListener("progress", (event) => {
        if (!event.lengthComputable) return;
        line.bar.value = event.loaded / event.total;
        line.message.textContent = WORDS.sending(event.loaded / event.total);
      });
      request.upload.addEventListener("load", () => {
        line.bar.removeAttribute("value");
        line.message.textContent = WORDS.checking;
        line.button?.remove(); // it is there now
      });
      request.addEventListener("load", () => {
        try {
          resolve(JSON.parse(request.responseText));
        } catch (notOurs) {
          reject(notOurs);
        }
      });
      request.addEventListener("abort", () => resolve({ ok: false, cancelled: true, message: WORDS.cancelled }));
      request.addEventListener("error", reject);
      request.addEventListener("timeout", reject);
      request.send(body);
    });
  }

  /** Show on its line how far the work on what arrived is. */
  follow(tracks, line) {
    if (!this.standing) return;
    for (const track of tracks) this.worked.set(track, line);
    this.timer ??= setTimeout(() => this.ask(), ASK_AGAIN_MS);
  }

  async ask() {
    const asked = [...this.worked.keys()].slice(0, ASKED_AT_ONCE);
    const address = `${this.standing}?${new URLSearchParams(asked.map((track) => ["track", track]))}`;
    const answer = await fetch(address, { headers: { Accept: "application/json" } }).catch(() => null);
    const standing = answer?.ok ? await answer.json().catch(() => []) : [];
    for (const track of standing) this.stands(track, this.worked.get(track.id));
    if (answer?.ok) this.forget(asked, standing);
    this.timer = this.worked.size ? setTimeout(() => this.ask(), ASK_AGAIN_MS) : undefined;
  }

  /** What the server knows nothing of is not asked for again. */
  forget(asked, standing) {
    const known = new Set(standing.map((track) => track.id));
    for (const track of asked) if (!known.has(track)) this.worked.delete(track);
  }

  stands({ id, state, progress, message, url }, line) {
    line.message.textContent = message;
    line.bar.hidden = state !== "waiting";
    if (progress === null) line.bar.removeAttribute("value");
    else line.bar.value = progress;
    if (state === "waiting") return;
    this.worked.delete(id);
    line.item.dataset.ok = String(state === "ready");
    if (state !== "ready") return;
    const look = document.createElement("a");
    look.className = "button plain";
    look.href = url;
    look.textContent = WORDS.look;
    line.item.append(look);
  }
}
