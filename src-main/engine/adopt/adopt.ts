/**
 * Adoption: images and volumes of another container engine's store on this machine come into this one, without a network.
 *
 * Terms. A *foreign store* is Podman's (containers/storage) or Docker's. *tar-split data* is what such a store keeps of a layer's tar beside its files;
 * of both the very same tar is put together again.
 *
 * Laws
 * - The foreign store is only read: no lock, no mount, no program of its own, nothing executed that is in it. It may be in use.
 * - A layer comes in only if its tar has the digest that the image names; else the image is refused with the file that was changed, and nothing of it is
 *   visible. Digests of images stay: Podman's manifests come along; Docker keeps none, and gets the one that a load would make.
 * - What is here stays: an image's name that another image has, and a volume's name that is taken, are left and told.
 * - What a death leaves is taken back as that of a pull; a volume gets its name by one rename.
 * Not here: containers, networks, secrets; labels and options of volumes, which are in Podman's database; Docker's volumes; containerd's store.
 */
import type { System } from '../../system/system.ts';
import type { ImageStore } from '../image/image.ts';
import type { VolumeStore } from '../volume/volume.ts';

export { importFrom } from './import-from.ts';
export { planImport } from './plan.ts';

/** The rooms that it works on. */
export interface AdoptRooms {
  readonly system: System;
  readonly images: ImageStore;
  readonly volumes: VolumeStore;
}
