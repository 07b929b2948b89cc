import type { ImageTree, ImageTreeLayer } from '../../../contract/image.ts';
import { command } from '../command.ts';
import { flagTable } from '../options/flags.ts';
import { humanSize, shortId } from '../output/human.ts';
import { print } from '../output/print.ts';

function layerText(layer: ImageTreeLayer): string {
  const top = layer.topOf.length > 0 ? ` Top Layer of: [${layer.topOf.join(' ')}]` : '';
  return `ID: ${shortId(layer.chainId.slice('sha256:'.length))} Size: ${humanSize(layer.sizeBytes)}${top}`;
}

function branch(layers: readonly ImageTreeLayer[], indent: string): string[] {
  return layers.flatMap((layer, index) => {
    const last = index === layers.length - 1;
    return [`${indent}${last ? '└──' : '├──'} ${layerText(layer)}`, ...branch(layer.children, `${indent}${last ? '    ' : '│   '}`)];
  });
}

/** What lies directly upon the topmost layer stands beside it, as Podman draws it. */
export function treeText(tree: ImageTree): string {
  const layers = tree.layers.flatMap((layer) => [{ ...layer, children: [] }, ...layer.children]);
  return [
    `Image ID: ${shortId(tree.id)}`,
    `Tags:     [${tree.names.join(' ')}]`,
    `Size:     ${humanSize(tree.sizeBytes)}`,
    ...(layers.length > 0 ? ['Image Layers', ...branch(layers, '')] : ['No Image Layers']),
    '',
  ].join('\n');
}

export const imageTreeCommand = command({
  name: 'image tree',
  usage: '[options] IMAGE',
  description: 'Show the layers of an image from the bottom up, and which images end with them.',
  examples: ['image tree alpine', 'image tree --whatrequires alpine'],
  flags: flagTable({ whatrequires: { kind: 'bool', help: 'Show what lies upon the image instead' } }),
  arguments: [1, 1],
  async run({ flags, positionals: [image = ''] }, context) {
    const api = await context.engine();
    await print(`${treeText(await api.image.tree({ image, whatRequires: flags.whatrequires === true }))}\n`);
    return 0;
  },
});
