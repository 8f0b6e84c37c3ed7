// The music files of what was dropped or chosen, folders included.
const ENDINGS = /\.(mp3|flac|ogg|oga|opus|m4a|m4b|mp4|aac|wav|wave|aif|aiff|wma|alac|ape|wv|webm|mka|caf)$/i;

const looksLikeMusic = (file) => file.type.startsWith("audio/") || ENDINGS.test(file.name);
const isHidden = (path) => path.split("/").some((part) => part.startsWith("."));

/** Of the files of a folder: what looks like music, and how many were left out besides hidden ones. */
export function musicIn(files) {
  const seen = [...files].filter((file) => !isHidden(file.webkitRelativePath || file.name));
  const music = seen.filter(looksLikeMusic);
  return { files: music, left: seen.length - music.length };
}

/** Of what was dropped: each file as it is, and of each folder what looks like music. */
export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return { files: [...transfer.files], left: 0 };
  const alone = await Promise.all(entries.filter((entry) => entry.isFile).map(fileOf));
  const inside = (await Promise.all(entries.filter((entry) => entry.isDirectory).map(filesBelow))).flat();
  const { files, left } = musicIn(inside);
  return { files: [...alone, ...files], left };
}

const fileOf = (entry) => new Promise((resolve, reject) => { entry.file(resolve, reject); });

async function filesBelow(folder) {
  if (folder.name.startsWith(".")) return [];
  const entries = await entriesOf(folder.createReader());
  const below = await Promise.all(
    entries.map((entry) => (entry.isDirectory ? filesBelow(entry) : fileOf(entry).then((file) => [file]))),
  );
  return below.flat();
}

/** A reader gives about a hundred entries at a time, and none when it is through. */
async function entriesOf(reader) {
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => { reader.readEntries(resolve, reject); });
    if (some.length === 0) return found;
    found.push(...some);
  }
}
