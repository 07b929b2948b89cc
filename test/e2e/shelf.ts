/** For pictures: a registry as public ones are (it is searched, has stars and tags), to which a push comes half-way and no further. */
import { serveHttp, type TestServer } from '../integration/image/test-registry.ts';

const found = [
  ['library/nginx', 'Official build of Nginx.', 21_034, true],
  ['bitnami/nginx', 'A container image for NGINX, hardened and with fewer packages than others', 212, false],
  ['nginxinc/nginx-unprivileged', 'Unprivileged NGINX Dockerfiles', 187, false],
  ['example/nginx-with-a-rather-long-name-for-a-repository', '', 0, false],
] as const;
const tags = ['1.27', '1.28', '1.29', '1.29-alpine', '1.29.1', 'alpine', 'latest', 'mainline', 'stable', 'stable-alpine'];
const takenBytes = 11_000_000;

export function openShelf(): Promise<TestServer> {
  return serveHttp((asked, answer) => {
    const { pathname } = new URL(asked.url ?? '/', 'http://shelf');
    const json = (status: number, body: unknown) => {
      answer.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (pathname === '/v1/search')
      json(200, {
        results: found.map(([name, description, star_count, is_official]) => ({ name, description, star_count, is_official })),
      });
    else if (pathname.endsWith('/tags/list')) json(200, { name: 'library/nginx', tags });
    else if (pathname === '/v2/') json(200, {});
    else if (asked.method === 'POST') answer.writeHead(202, { location: `${pathname}one`, 'content-length': 0 }).end();
    else if (asked.method === 'PATCH' || asked.method === 'PUT') {
      let bytes = 0;
      asked.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > takenBytes) asked.pause();
      });
    } else json(404, { errors: [{ code: 'BLOB_UNKNOWN' }] });
  });
}
