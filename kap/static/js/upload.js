// Files sent one by one with their progress: <form data-upload> from the macro upload(). The server answers each
// with {"ok": true|false, "name": …, "message": …}. Without this script the form sends them all at once.
const WORDS = {
  waiting: "Waiting",
  sending: (part) => `${Math.round(part * 100)} % sent`,
  checking: "Arrived. Being checked",
  lost: "This file did not arrive.",
  again: "Try again",
  summary: (arrived, all) => `${arrived} of ${all} ${all === 1 ? "file" : "files"} arrived.`,
};

export function install(form) {
  new Upload(form).start();
}

class Upload {
  constructor(form) {
    this.form = form;
    this.input = form.querySelector('input[type="file"]');
    this.zone = form.querySelector("[data-drop]");
    this.list = form.querySelector("[data-upload-list]");
    this.summary = form.querySelector("[data-upload-summary]");
    this.waiting = [];
    this.running = false;
    this.all = 0;
    this.arrived = 0;
  }

  start() {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.add(this.input.files);
      this.input.value = "";
    });
    this.zone.addEventListener("dragover", (event) => {
      event.preventDefault();
      this.zone.classList.add("over");
    });
    this.zone.addEventListener("dragleave", () => this.zone.classList.remove("over"));
    this.zone.addEventListener("drop", (event) => {
      event.preventDefault();
      this.zone.classList.remove("over");
      this.add(event.dataTransfer.files);
    });
    addEventListener("beforeunload", (event) => { if (this.running) event.preventDefault(); });
  }

  add(files) {
    for (const file of files) {
      this.all += 1;
      this.waiting.push({ file, line: this.line(file) });
    }
    this.run();
  }

  async run() {
    if (this.running) return;
    this.running = true;
    while (this.waiting.length > 0) await this.send(this.waiting.shift());
    this.running = false;
    this.summary.textContent = WORDS.summary(this.arrived, this.all);
    this.form.dispatchEvent(new CustomEvent("kap:uploaded", { bubbles: true }));
  }

  line(file) {
    const item = document.createElement("li");
    const name = document.createElement("span");
    name.className = "name";
    name.textContent = file.name;
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

  async send({ file, line }) {
    const answer = await this.post(file, line).catch(() => null);
    line.bar.hidden = true;
    line.item.dataset.ok = String(answer?.ok ?? false);
    line.message.textContent = answer?.message ?? WORDS.lost;
    if (answer?.ok) this.arrived += 1;
    if (answer === null) this.offerAgain(file, line);
  }

  offerAgain(file, line) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button plain";
    button.textContent = WORDS.again;
    button.addEventListener("click", () => {
      button.remove();
      line.bar.hidden = false;
      this.waiting.push({ file, line });
      this.run();
    });
    line.item.append(button);
  }

  /** The server's answer to one file; rejects when there is none. fetch() cannot report how far it has got. */
  post(file, line) {
    const body = new FormData(this.form);
    body.set(this.input.name, file);
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
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
      });
      request.addEventListener("load", () => {
        try {
          resolve(JSON.parse(request.responseText));
        } catch (notOurs) {
          reject(notOurs);
        }
      });
      request.addEventListener("error", reject);
      request.addEventListener("timeout", reject);
      request.send(body);
    });
  }
}
