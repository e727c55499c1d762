// A compiled help file as Free Pascal's chmcmd makes it, with two pages, deflated: `a.js` and a page of
// forty similar lines.
import { inflateRawSync } from "node:zlib";

/** The script in it. */
export const CHM_SCRIPT = "var a = 1; // own script";

/** The page in it. */
export const CHM_PAGE = [
  "<html><body><h1>Own page</h1>",
  ...Array.from(
    { length: 40 },
    (_, i) => `<p>Line ${i + 1} of a page that is longer than a few words, and repeats them.</p>`,
  ),
  "</body></html>",
  "",
].join("\n");

const CHUNK_BYTES = 4096;
const CHUNK_HEAD = 20;
const DIRECTORY_HEAD = 0x54;
const FILE_HEAD = 0x60;

// Seven bits in a byte, the highest first.
const encoded = (value: number, more = 0): number[] => [
  ...(value < 128 ? [] : encoded(Math.floor(value / 128), 128)),
  (value % 128) | more,
];

/** A help file with one file, which is stored. */
export function storedChm(name: string, content: Uint8Array): Buffer {
  const path = Buffer.from(`/${name}`);
  const entry = [...encoded(path.length), ...path, 0, 0, ...encoded(content.length)];
  const chunk = Buffer.alloc(CHUNK_BYTES);
  chunk.write("PMGL");
  chunk.writeUInt32LE(CHUNK_BYTES - CHUNK_HEAD - entry.length, 4);
  Buffer.from(entry).copy(chunk, CHUNK_HEAD);
  const directory = Buffer.alloc(DIRECTORY_HEAD);
  directory.write("ITSP");
  for (const [at, value] of [
    [4, 1],
    [8, DIRECTORY_HEAD],
    [0x10, CHUNK_BYTES],
    [0x2c, 1],
  ] as const) {
    directory.writeUInt32LE(value, at);
  }
  const head = Buffer.alloc(FILE_HEAD);
  head.write("ITSF");
  head.writeUInt32LE(3, 4);
  head.writeUInt32LE(FILE_HEAD, 8);
  const contentAt = FILE_HEAD + DIRECTORY_HEAD + CHUNK_BYTES;
  head.writeUInt32LE(FILE_HEAD, 0x48);
  head.writeUInt32LE(DIRECTORY_HEAD + CHUNK_BYTES, 0x50);
  head.writeUInt32LE(contentAt, 0x58);
  return Buffer.concat([head, directory, chunk, content]);
}

/** The help file. */
export function buildChm(): Buffer {
  return inflateRawSync(Buffer.from(DEFLATED, "base64"));
}

const DEFLATED = [
  "7Zp5NNxZFsdf2QkZkkZ0N0qI0FFKCUpRSJRCtV1VLCEqpRQKtaiqIJaQBRFSxK6tEZ2OnehuiY4sMiFCmpZII5GmLVmsiS",
  "R25ieRme45c073zDnzx8ypzzv33Pt+937fu7/z++u98yOQiNbCAIDDkMEgA6JIjQ0nuwqLrojqliuSBiXtO8cn/3m+Ub/B",
  "jk0fselJsh9856Zfg33wddrgdxBIROeNFAkyqfcbAiC02cM6xMe6jXhzCRCULnRIV61brnDxQw+kzfxHnB1s7Dtl/qF7r0",
  "VCEwmkOsHKw9bKFVbtVfJ+RrKEGoAykkh1IsmV4GhDhN33gkEZoieRhHcAxyVK2JJIDSfLLwmORBIMZFnIIMnqZFf8fisH",
  "PBQAqEIUSdEN4sKqcTukkGxKAE03kMcIgWVZ5Ip8YmJiReFRiGwKlYZ0pDBo9nQuD5yPwGr9NkHksTiQDOlAxLEYbA6Ny6",
  "X5IXEsJo/G5IELRnxdnT9VzWGFbFSBUoPPtf9QAKWYBKY/C5Q6SyD/sJrEoTC5/iwOA/n+BUo9NMn/hiYKbY3TN8YY6CEw",
  "VntRCBTKCoos9dEIPb39ejgMCo/BoXExSAKTy6MwqbSNdTc+Fv2/vIUrjUvjkSi+ITRQeswYCBAgQIAAAQIECBAgQICA/x",
  "mcYEcAAsgCUiCdC6dwqIH0MBo8nMKFM1k8OIPiR4P7HoXzAmlwByLcluRgD7elhbDh7ixOMDeQxdbiaGvxGNpwNocVwKEw",
  "dOC+R3gbAmsOjQZ3pnCplJDdXDg1kAGHTqTB0GEUvldXHxoyUhtHUnoIzW+jGmfrgGP4fUgJv7/TEAHhSFEgCRSAre1+uB",
  "uNw6WzmHADXbSBrjFaTx/Ka/yptxOC1vr79QIQhnRO4UwgDvkNZACQJakTHWAf728ECBAgQIAAAQIECBAgQIAAAf+XqAAh",
  "IA0OACagAhZgADbgABrgQoMG/KC8NHAARID7lzkxyOwPeuCEwIf/L4R+c4/wRPODjwJoYA3p9YExwAADoAcQkLcCewEKil",
  "DQsIKefVRLQKb1G7Wu+OZycb/v+uNzCbgoOEcCzsJg1052AADrTjM5YtetXFUOTyb1XYQ9nlchnqPKVVWFdhjV/KX/BYJV",
  "Zhapjbsf52r3rodMb3C1/474ZXtCea9Uov9YBdPzSK0XfzuXFAft1pvi3SsDrsc5sa49i+d2m3qXZG8pCBbeoR5qGy8keX",
  "5EEyZsk87/9fDp4briRPgtbdmu2Bu5Qxs9wdV27lSUrdDYs4+LnbF50QauVMsuR11XZCZkgIhnoqpTmEKyoUYYr1GsJO1+",
  "OAdfeGOuxrbRHax+gkyF6S6Q5bqrZXGJd6+LSJCelfQqVfcdfOgGDuD3i7gcIBHglxytw0zLJ/UiO92HwqSZQxOoQ+cnUD",
  "63llFT+8KkWbNsFoK9J9piXDkotXzL4VSY+GNqiGUftUW8aqv41MXG26vO4TctxJQ5qe1bfFPlxAepPMp87uDQakJ4pMUL",
  "5V9So8X7qK0t89RfhsfyE3rvubmoRuMvy9ZqKSTIH1DxPiMkPHDpZVolLabH5ORA3sQ+d9LsqBtFdRA3iVvJVz3YG2hmdU",
  "o8mjZbV/Fw0hCHfcYLHSIZ+pprq9hXbJGKsFfUWNux5auITp1MbKtKZCoqXqutwDKX2i07nvvtw0Uu1iNW1e9eSOLN0rR9",
  "V1w4tuQsbLy8oXiTRVxfwrIH1vqo8hLcpbflu6BMEvlSWLXnD1pHp8gd2V6UqHOPv/+aUVo/2NrI5MjzkXw+Lx5m08i69z",
  "j5TcsUe1hjTw35MzQl6aZLU1N2kyphzOgqh66w/fOGhoD62HNPrtKm8WU9WbwX+ohBncHBzg4h6yMTWU3I5imTH8LuKthl",
  "PG32mnY2SUYP3Smvwe7HYpcUinJev3Z7fTgJPdOe30NpPlnrE4Tflh01n92sw3iNiF6UQpz0efDA4+eh083LfrtmTlZpxe",
  "TKv92SFfdSUuQ1e3Ax0OQ2NklFTEy7/Ibzyg5kpuk4kmPmr3DWRJM8Gi7NtjIVQ/aYXiRrRKSwSVhN8/RUOt+gTQJf1LaC",
  "L0s9l2yvujcllw/LeUot2NZPDezpRx13HUSdKJ8ZP2pl6l9ngvV3Jpkm1A1giR7xKvuQvoPCu5Vmuz1Jb4zd01W6zlwUby",
  "hdGHYj6cWx+hIXZS0z026utVj29NjmdMsiBo7IJcKmb+8Kly5Tt/7a7prusBptrMHutMT1sz88SYqrSBKyReUWGk88ylw9",
  "cuddzBctAXsqGy7GFeDlDy3KJaut3MnEde6YDqBglJTmu4yE3qI7zz+X8J+qvTwvbX7Cy+KL6jSRsjREWS6b+cS99p17eq",
  "O1tY9PcS3BY9cuaxs5rz6U21RNpX23xTGpcfu7lgnBQfhls1oN+rtRq3zDsSKT9iaMftSn+oSdnpXrZv1t/L/WeBJyyVpI",
  "+7zEi16WFqG2imXT/ivK5Yj2ywj5/vShuddfN2y7TvWdqsx7U+Vd/+3oTF7eWMfSPRcnMt6wvchQvkv/PKM/RcWvbqwj8P",
  "lzu96MoLf7hiTV0Gj9vZwIR8dFzhkaVTMTpXCv2KAsY9vRp5EdjYTqzrzRB6bt2aYKHcUe+CzLmAb/7cR80drd0xOi6IzO",
  "fPTceL4dV/MhRmiAG7By9fliEYHeFW+Q8VOxRcLCVwWiMpfMH2SsPtkd+vzZHi0t1QGDs0FzWwsjZrYWh31T/82D26UZlO",
  "6VrLTPCPn9Vfk/ZbW02D5C06cfZ/OVPu2ysHfIL2qOevHce4GvG3vB8cbxZKebt4iPhn7yKVqXK6+gDd/WmDDWJl/rPbUw",
  "O0EvMH5rdbYp0tJ68pCa4bm1pWMVlGUMZo/naL05Z2B76Eh/xkLo5IvhYaOXDoW44O+Cm9283vSH1Xpb/6j59MLu01ccT2",
  "/PcUqS5xZ9Ij/hdEYxfE7R4TbWbK4oWTHKSUnpugu19Zftra03v+Hzhy7Z3mWTRi4MPwgdeVXup9FPpy4r/Ez40shc1aLN",
  "hdo2mqHvtyaJSVo0OIiYLfTGhFWbX13xPrZkM+6intnplDn6hnCZM2dytDc1rGsQFzvvMTMVczOhX7j18Mm8b5WlpY28Uv",
  "Q7+2gTRtSDj4VNld3s+eKvqGtL9eaJ1YaOsaqKbWUYcMt8yOJJQWft7FNmTaXToHf/UJxOHGXUd3bkR8ZW5y5mbufBqvz6",
  "1l/bVPcr1Jl7nBBaFWnIvp8MK3aMzYveKkaVuWyTr3qFKukk9mlwHKrFV1xKbHENmaEuntLWvjXHxMe0U7lVOUA5UJnOH/",
  "nVK2PlmhGjWiGq+XuvyjGf2movuyWfnx9V31msDQ4efhmbEzOzLTJn+Ir0bZqSbgfbJ+GV/rscjJlkYUeET+sr/ZSc4GsL",
  "eusjuutOFo3rfYcXDNKfserr0+7cMabaGbHgqlPwEp2i5EaQdxxYLp+SlVCTtVQ7ZSnxn0Xg2N8A",
].join("");
