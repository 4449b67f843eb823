// Reads Server-Sent Events by an EventSource. Says `open`, then each event's id and data, until
// `count` have come.
// usage: events.mjs URL COUNT FOLDER    where FOLDER has node_modules, for Node without EventSource

import { createRequire } from "node:module";
import path from "node:path";

const [url, count, modules] = process.argv.slice(2);
const EventSource = globalThis.EventSource
    ?? createRequire(path.join(path.resolve(modules), "package.json"))("eventsource").EventSource;

let left = Number(count);
const source = new EventSource(url);
source.onopen = () => console.log("open");
source.addEventListener("version", (event) => {
    console.log(`${event.lastEventId} ${event.data}`);
    if (--left === 0) {
        source.close();
    }
});
