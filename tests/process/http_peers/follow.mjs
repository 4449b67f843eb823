// Follows a ConfigServer with nothing but fetch, and says each value, until it is `last`.
// usage: follow.mjs URL LAST

const [url, last] = process.argv.slice(2);
let etag;
for (let text; text !== last;) {
    const headers = etag ? { "If-None-Match": etag, Prefer: "wait=30" } : {};
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(60_000) });
    if (response.status === 304) {
        continue;
    }
    if (!response.ok) {
        throw new Error(`${response.status} ${await response.text()}`);
    }
    etag = response.headers.get("ETag");
    text = await response.text();
    console.log(text);
}
