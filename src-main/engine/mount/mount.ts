/**
 * Who needs a snapshot mounted, across engines: the container that runs in it, whoever asked for it by `mount`, engines that read it.
 *
 * Laws
 * - It is unmounted when the last of them has gone, and not before; a removal takes it from all.
 * - A count is believed only while its snapshot is mounted: a reboot forgets both.
 * - What a death leaves mounted is in the journal, and goes with the next engine's recovery.
 * - Everything here happens under the lock of the container or layer.
 * A room of its own, and small, since every command that lists containers needs it, and none that lists needs the tree room.
 */
export { HeldTrees } from './held-trees.ts';
