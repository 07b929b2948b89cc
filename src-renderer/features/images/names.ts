/** Splits a reference into what is shown in two columns. Pure. */
export interface SplitName {
  readonly repository: string;
  readonly tag: string;
}

export function splitName(reference: string): SplitName {
  const at = reference.indexOf('@');
  const bare = at < 0 ? reference : reference.slice(0, at);
  // A colon before the last slash belongs to the registry's port.
  const colon = bare.indexOf(':', bare.lastIndexOf('/') + 1);
  const repository = (colon < 0 ? bare : bare.slice(0, colon)).replace(/^docker\.io\/(library\/)?/, '').replace(/^localhost\/(?=.)/, '');
  return { repository, tag: at >= 0 ? reference.slice(at + 1, at + 20) : colon < 0 ? 'latest' : bare.slice(colon + 1) };
}

/** What an image is called where there is room for one name. */
export function shownName({ id, names }: { readonly id: string; readonly names: readonly string[] }): string {
  const [name] = names;
  if (name === undefined) return id.slice(0, 12);
  const { repository, tag } = splitName(name);
  return `${repository}:${tag}`;
}

/** What a file is called that holds these images. */
export function archiveName(images: readonly string[]): string {
  const [first = ''] = images;
  if (images.length !== 1) return 'images.tar';
  const { repository, tag } = splitName(first);
  const name = /^[0-9a-f]{64}$/.test(first) ? first.slice(0, 12) : `${repository}-${tag}`;
  return `${name.replaceAll(/[^\w.-]+/g, '-').slice(0, 150)}.tar`;
}

/** The registry that a reference names; empty when it names none and the search list decides. */
export function registryOf(reference: string): string {
  const bare = reference.trim().replace(/^docker:\/\//, '');
  const slash = bare.indexOf('/');
  const head = slash < 0 ? '' : bare.slice(0, slash);
  return /[.:]/.test(head) || head === 'localhost' ? head : '';
}

/** What a name is searched by: without tag and digest. */
export function searchTerm(reference: string): string {
  const bare = reference
    .trim()
    .replace(/^docker:\/\//, '')
    .replace(/@.*$/, '');
  const colon = bare.indexOf(':', bare.lastIndexOf('/') + 1);
  return colon < 0 ? bare : bare.slice(0, colon);
}

/** `latest` first, then the highest numbers. */
export function orderTags(tags: readonly string[]): readonly string[] {
  const order = new Intl.Collator('en', { numeric: true });
  return tags.toSorted((a, b) => Number(b === 'latest') - Number(a === 'latest') || order.compare(b, a));
}
