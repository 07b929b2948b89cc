/** WWW-Authenticate (RFC 9110 section 11.6.1) as registries send it. */
export interface Challenge {
  readonly scheme: 'bearer' | 'basic';
  readonly realm: string;
  readonly service: string;
  readonly scope: string;
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const parameterPattern = new RegExp(`^\\s*,?\\s*(${token})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${token}))`);
const schemePattern = new RegExp(`^\\s*,?\\s*(${token})(?:\\s+|(?=,)|$)`);

/** The challenges that this room can answer, bearer before basic. Anything malformed ends the parsing. */
export function parseChallenges(header: string | undefined): Challenge[] {
  const found: Challenge[] = [];
  let rest = (header ?? '').slice(0, 8192);
  while (rest !== '') {
    const scheme = schemePattern.exec(rest);
    if (!scheme) break;
    rest = rest.slice(scheme[0].length);
    const parameters = new Map<string, string>();
    for (let match = parameterPattern.exec(rest); match; match = parameterPattern.exec(rest)) {
      parameters.set((match[1] ?? '').toLowerCase(), (match[2] ?? match[3] ?? '').replace(/\\(.)/g, '$1'));
      rest = rest.slice(match[0].length);
    }
    const name = (scheme[1] ?? '').toLowerCase();
    if (name === 'bearer' || name === 'basic')
      found.push({
        scheme: name,
        realm: parameters.get('realm') ?? '',
        service: parameters.get('service') ?? '',
        scope: parameters.get('scope') ?? '',
      });
  }
  return found.sort((a, b) => Number(b.scheme === 'bearer') - Number(a.scheme === 'bearer'));
}
