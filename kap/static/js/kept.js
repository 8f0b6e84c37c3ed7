// Music kept on this device, so that a session needs no network. Used by pages and, pasted in front of it by
// the server, by the service worker (some browsers run no modules there): it therefore imports nothing.
//
// One cache, at addresses that no server answers:
//   /.kept/page<path of a page>   {user, until, file, html}: what that page needs when it is loaded without a network
//   /.kept/file<path of a file>   {etag, length, size, digests, type}: the file as the server described it
//   /.kept/part<path>?<number>    `size` bytes of it (the last part has the rest)
// Parts, because a download that breaks off goes on where it was, and because a browser can digest a part
// without holding a hundred megabytes. `html` names nobody; the title of a session's page does not either.

export const KEPT = "kap-kept-1";
// Long enough for music fetched on the evening before; then a forgotten device has nothing any more.
export const KEPT_FOR_MS = 36 * 3600 * 1000;

const pageAt = (path) => `/.kept/page${path}`;
const fileAt = (path) => `/.kept/file${path}`;
const partAt = (path, number = "") => `/.kept/part${path}?${number}`;

export const canKeep = () => "caches" in self;
const kept = () => caches.open(KEPT);

async function read(address) {
  const found = await (await kept()).match(address);
  return found ? found.json() : null;
}

async function write(address, value) {
  await (await kept()).put(address, new Response(JSON.stringify(value), { headers: { "Content-Type": "application/json" } }));
}

/** What was kept for the page at `path`, unless its time is over. */
export async function keptPage(path) {
  const page = await read(pageAt(path));
  return page && Date.now() < page.until ? page : null;
}

export async function keepPage(path, { user, file, html }) {
  await write(pageAt(path), { user, file, html, until: Date.now() + KEPT_FOR_MS });
}

export const keptFile = (path) => read(fileAt(path));

/** Whether parts of the one are parts of the other. */
export const isSame = (one, other) => one.etag === other.etag && one.size === other.size && one.length === other.length;

/** Remember how the server describes the file; parts of another version of it go. */
export async function describeFile(path, description) {
  const known = await keptFile(path);
  if (known && !isSame(known, description)) await dropFile(path);
  await write(fileAt(path), description);
}

/** The numbers of the parts that are here. */
export async function partsHere(path) {
  const requests = await (await kept()).keys(partAt(path), { ignoreSearch: true });
  return new Set(requests.map(({ url }) => Number(new URL(url).search.slice(1))));
}

/** Keep a part. Rejects with a QuotaExceededError where the device has no room. */
export async function keepPart(path, number, bytes) {
  await (await kept()).put(partAt(path, number), new Response(bytes));
}

/** Whether every byte of the file is here. */
export async function isWhole(path) {
  const description = await keptFile(path);
  return description !== null && (await partsHere(path)).size === description.digests.length;
}

async function dropFile(path) {
  const cache = await kept();
  await cache.delete(fileAt(path));
  await cache.delete(partAt(path), { ignoreSearch: true });
}

/** Forget what the page at `path` needed, unless another page needs it too. */
export async function forgetPage(path) {
  await (await kept()).delete(pageAt(path));
  await sweep();
}

export const forgetEverything = () => caches.delete(KEPT);

/** Drop what is over, what is of anyone but `user` (where somebody is named), and files that no page needs. */
export async function sweep(user = "") {
  const cache = await kept();
  const needed = new Set();
  const files = new Set();
  for (const { url } of await cache.keys()) {
    const [, kind, path] = new URL(url).pathname.match(/^\/\.kept\/(page|file|part)(.*)$/);
    if (kind !== "page") {
      files.add(path);
      continue;
    }
    const page = await read(url);
    if (!page) continue; // gone since: another tab sweeps too
    if (Date.now() >= page.until || (user && page.user !== user)) await cache.delete(url);
    else needed.add(page.file);
  }
  await Promise.all([...files].filter((path) => !needed.has(path)).map(dropFile));
}

/** The answer to `request` for a file that is wholly here, obeying Range; null where it is not. */
export async function answerFromDevice(request) {
  const path = new URL(request.url).pathname;
  const description = await keptFile(path);
  if (description === null) return null;
  const { length, size, etag, type } = description;
  const headers = { "Content-Type": type, "Accept-Ranges": "bytes", "Cache-Control": "no-store", ETag: etag };
  const range = rangeOf(request.headers.get("Range"), length);
  if (range === "nowhere") return new Response(null, { status: 416, headers: { ...headers, "Content-Range": `bytes */${length}` } });
  const [start, end] = range ?? [0, length - 1];
  const first = Math.floor(start / size);
  const numbers = Array.from({ length: Math.floor(end / size) - first + 1 }, (_, index) => first + index);
  const cache = await kept();
  const parts = await Promise.all(numbers.map((number) => cache.match(partAt(path, number))));
  if (parts.includes(undefined)) return null;
  // A blob of blobs is read from the disk as it is played, also after the worker was put to sleep.
  const whole = new Blob(await Promise.all(parts.map((part) => part.blob())));
  const body = whole.slice(start - first * size, end + 1 - first * size, type);
  Object.assign(headers, { "Content-Length": String(body.size) });
  if (range === null) return new Response(body, { headers });
  return new Response(body, { status: 206, headers: { ...headers, "Content-Range": `bytes ${start}-${end}/${length}` } });
}

/** [first, last] byte of a Range header; null for none or one we need not obey; "nowhere" when it is outside. */
function rangeOf(header, length) {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (!match || (!match[1] && !match[2])) return null;
  const [start, end] = match[1]
    ? [Number(match[1]), match[2] ? Math.min(Number(match[2]), length - 1) : length - 1]
    : [Math.max(0, length - Number(match[2])), length - 1];
  return start < length && start <= end ? [start, end] : "nowhere";
}
