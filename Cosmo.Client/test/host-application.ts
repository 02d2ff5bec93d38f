import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a host application serves. */
export interface HostApplication {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * A host application: its pages and scripts, its own way to the address of a channel, and Cosmo's functions under `/api` on the same origin.
 * @param files what stands at which path
 */
export async function serve(api: string, addressFor: (user: string, channel: string) => Promise<unknown>, files: ReadonlyMap<string, string> = new Map()): Promise<HostApplication> {
  const server = createServer((request, response) => void answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error))));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => closed(server) };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url!, "http://host.test");
    if (pathname === "/cosmo/address") {
      response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(await addressFor("ana", searchParams.get("channel")!)));
    } else if (pathname.startsWith("/api/")) {
      await passOn(request, response);
    } else {
      const content = files.get(pathname);
      response.writeHead(content === undefined ? 404 : 200, { "Content-Type": pathname.endsWith(".js") ? "text/javascript" : "text/html; charset=utf-8" }).end(content);
    }
  }

  async function passOn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", headers } = request;
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk as Buffer);
    }

    const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => name === "authorization" || name === "content-type")) as Record<string, string>;
    const answered = await fetch(api + request.url!.slice("/api".length), { method, headers: kept, ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }) });
    response.writeHead(answered.status, { "Content-Type": answered.headers.get("Content-Type") ?? "application/json" }).end(Buffer.from(await answered.arrayBuffer()));
  }
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((done) => server.close(() => done()));
}
