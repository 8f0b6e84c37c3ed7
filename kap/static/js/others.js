// Other devices that play the same session, so that headphones and room speakers can be brought together.

const APART_S = 2; // closer than this two devices cannot be heard as two places of the music

function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

export class Others {
  /** `join(position)` is called when somebody asks to go on where another device is. */
  constructor(root, join) {
    this.root = root;
    this.join = join;
    this.devices = [];
  }

  /** What the server says of them: [{name, position, playing, age}], `age` in seconds. */
  heard(devices) {
    this.devices = devices.map((device) => ({ ...device, since: performance.now() - device.age * 1000 }));
    if (this.root) this.draw();
  }

  draw() {
    this.root.replaceChildren(...this.devices.map((device) => {
      const line = document.createElement("li");
      device.words = document.createElement("span");
      device.button = document.createElement("button");
      device.button.type = "button";
      device.button.className = "button";
      device.button.hidden = true;
      device.button.addEventListener("click", () => this.join(this.positionOf(device)));
      line.append(device.words, device.button);
      return line;
    }));
  }

  positionOf({ position, playing, since }) {
    return playing ? position + (performance.now() - since) / 1000 : position;
  }

  /** Show where they are beside this device's `position`; offer to join where the two would be heard as two. */
  compare(position, playing) {
    if (!this.root) return;
    for (const device of this.devices) {
      const there = this.positionOf(device);
      const apart = there - position;
      const isApart = device.playing && (!playing || Math.abs(apart) > APART_S);
      const distance = playing && isApart ? `, ${Math.round(Math.abs(apart))} s ${apart > 0 ? "ahead" : "behind"}` : "";
      const words = device.playing ? `${device.name}: playing${distance}.` : `${device.name}: paused at ${clock(there)}.`;
      if (device.words.textContent !== words) device.words.textContent = words;
      const label = `Join at ${clock(there)}`;
      if (device.button.textContent !== label) device.button.textContent = label;
      device.button.hidden = !isApart;
    }
  }
}
