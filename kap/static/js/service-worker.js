// What has to be there without a network: a session's music with a page that plays it, the practice's crisis help on
// a patient's device, a safety plan that its owner keeps there, and a page of the journal to write on. Everything else
// is the server's, as if this were not here. The server puts kept.js, drafts.js, plan-kept.js and some constants in front of this file:
//   VERSION   a digest of everything in SHELL
//   SHELL     addresses of the pages for a session and for a safety plan without a network, and of all they are
//             made of; they hold no word about anybody
//   ROOMS     a pattern of the addresses whose pages play music
//   HELP, PLAN  the addresses of the page itself and of the page that stands in for it, of each
//   STAND_INS other pages that open without a network: a pattern of addresses, and what stands in for them, of each

const SHELL_CACHE = `kap-shell-${VERSION}`;
const SHELL_PAGE = SHELL[0];
const HELP_CACHE = "kap-help-1"; // also in help-kept.js
const rooms = new RegExp(ROOMS);
const standIns = STAND_INS.map(([pattern, address]) => [new RegExp(pattern), address]);
// A server that is gone answers at once or never; a room with somebody in it does not wait for never.
const PATIENCE_MS = 5000;
// While it is gone, the parts of one page come from one place.
const GONE_FOR_MS = 20_000;
let goneAt = 0;

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (url.origin !== location.origin) return;
  if (event.request.method === "POST") leaving(event, url);
  if (event.request.method !== "GET") return;
  // Only what is asked for like this: music on its way from the server goes past this worker, which would hold a
  // connection open for every seek. An address that somebody types is the server's to allow.
  if (url.search === "?kept" && event.request.mode !== "navigate") event.respondWith(music(event.request));
  else if (event.request.mode === "navigate") event.respondWith(page(event.request, url.pathname));
  else if (SHELL.includes(url.pathname)) event.respondWith(shellPart(event.request, url.pathname));
});

async function install() {
  const cache = await caches.open(SHELL_CACHE);
  // As nobody in particular, so that no page of anybody's is ever in it.
  await cache.addAll(SHELL.map((address) => new Request(address, { credentials: "omit", cache: "reload" })));
  // Another version of Kap waits for as long as a page plays with this one.
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  if (!pages.some(({ url }) => rooms.test(new URL(url).pathname))) await self.skipWaiting();
}

async function activate() {
  const old = (await caches.keys()).filter((name) => name.startsWith("kap-shell-") && name !== SHELL_CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
}

/** Signing out leaves nothing on the device but what its owner wants to stay, whether or not the server hears of it. */
function leaving(event, { pathname }) {
  if (pathname !== "/sign-out" && pathname !== "/account/devices/sign-out") return;
  event.waitUntil(Promise.all([forgetEverything(), leavePlan().catch(() => {})]));
}

function page(request, path) {
  if (rooms.test(path)) return room(request, path);
  if (HELP.includes(path)) return standIn(request, help);
  if (PLAN.includes(path)) return standIn(request, plan);
  const inItsPlace = standIns.find(([pattern]) => pattern.test(path))?.[1];
  if (inItsPlace) return standIn(request, () => caches.match(inItsPlace, { cacheName: SHELL_CACHE }));
  // Any other page of someone whose device has the crisis help: better that than the browser's own words.
  return fetch(request).catch(async () => (await help()) ?? Response.error());
}

const help = () => caches.match(HELP[1], { cacheName: HELP_CACHE });
const plan = () => caches.match(PLAN[1], { cacheName: SHELL_CACHE });

/** From the server; where that does not answer, what the device has in its place. */
async function standIn(request, kept) {
  const answer = await inTime(fetch(request)).catch(() => null);
  if (answer && answer.status < 500) return answer;
  goneAt = Date.now();
  return (await kept()) ?? answer ?? Response.error();
}

async function music(request) {
  return (await answerFromDevice(request)) ?? Response.error();
}

/** A room's page from the server; where that does not answer, the page that names nobody. */
async function room(request, path) {
  const page = await keptPage(path).catch(() => null);
  if (!page?.html) return fetch(request);
  const answer = await inTime(fetch(request)).catch(() => null);
  if (answer?.status === 403 || answer?.status === 404) await forgetPage(path); // no longer theirs to hear
  if (answer && answer.status < 500) return answer;
  goneAt = Date.now();
  return (await caches.match(SHELL_PAGE, { cacheName: SHELL_CACHE })) ?? answer ?? Response.error();
}

/** From the server while it answers, so that nobody sees an old page; else the copy. */
async function shellPart(request, path) {
  const copy = () => caches.match(path, { cacheName: SHELL_CACHE });
  if (Date.now() - goneAt < GONE_FOR_MS) return (await copy()) ?? fetch(request);
  try {
    const answer = await inTime(fetch(request));
    if (answer.status < 500) return answer;
  } catch { /* no network, or no server */ }
  goneAt = Date.now();
  return (await copy()) ?? Response.error();
}

function inTime(answer) {
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error("late")), PATIENCE_MS);
    answer.then(resolve, reject);
  });
}
