/**
 * Signatures of images: both kinds that containers/image knows, made and verified; where they lie; and whose name they are for.
 *
 * Terms. *Simple signing*: an OpenPGP message around a small JSON document (containers-signature(5)), by the host's gpg. *sigstore*: the same
 * document with a bare signature beside it, by node:crypto. *Payload*: that document: a manifest's digest and a name. *Identity*: whether
 * the name that was signed is one that the policy takes for what is pulled. *Lookaside*: a tree of signature files beside a registry;
 * *staging*: where new ones are written (containers-registries.d(5)). *Attachment*: signatures as an image with the tag sha256-HEX.sig.
 *
 * Laws
 * - Nothing of a payload is believed, or even parsed, before its signature was found good.
 * - Keys come from the policy alone: gpg works in a folder made for one verification; nobody's keyring is read, changed or trusted.
 * - Signatures and keys are hostile: sizes are bounded, gpg may neither ask, nor fetch, nor write more than a payload.
 * - One good signature is enough for a requirement; a bad one beside it is only a reason.
 * - A kind of requirement that cannot be verified here refuses by its name.
 * It decides nothing about scopes (the registry room's policy does) and keeps no state.
 */
export { type ImageSignature, largestSignatureBytes, mostSignatures, parseSignature } from './format.ts';
export { type SignedIdentity } from './identity.ts';
export { type SignatureRequirement, parseSignatureRequirement, signatureTypes } from './requirement.ts';
export { type FoundSignature, type SignedObject, verifyRequirement } from './verify.ts';
export { type SignaturePlaces, type TrustFolders, lookasidePath, signaturePlaces } from './registries-d.ts';
export { addToFolder, readFolder } from './signature-folder.ts';
export { type Signer, type SignerOptions, openSigner } from './signer.ts';
export { attachmentTag, attachmentLayerType, parseAttachment, toAttachment } from './attachment.ts';
export { keyIdentities } from './gpg.ts';
