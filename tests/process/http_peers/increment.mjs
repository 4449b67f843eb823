// Adds one to a number of a ConfigServer as often as asked, beside others who do the same: reads,
// writes with If-Match, and begins again when somebody was faster.
// usage: increment.mjs URL COUNT

const [url, count] = process.argv.slice(2);
for (let done = 0; done < Number(count);) {
    const read = await fetch(url);
    const written = await fetch(url, {
        method: "PUT",
        headers: { "Content-Type": "application/json", "If-Match": read.headers.get("ETag") },
        body: JSON.stringify((await read.json()) + 1),
    });
    await written.arrayBuffer();
    if (written.status === 200) {
        ++done;
    } else if (written.status !== 412) {
        throw new Error(`status ${written.status}`);
    }
}
