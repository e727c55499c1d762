// Compressed streams whose encoders neither Bun nor this repository has. All but the filtered ones
// hold `SAMPLE_TEXT`; xz, lzma and bzip2 wrote them, lzip's header and trailer were put around LZMA.

/** What most of the streams hold. */
export const SAMPLE_TEXT = Array.from(
  { length: 400 },
  (_, i) => `line ${i * i} of the content\n`,
).join("");

/** x86 code with calls and jumps, as `X86_FILTERED` holds it. */
export const SAMPLE_X86 = Buffer.from(
  Array.from({ length: 300 }, (_, i) => [
    ...[0x90, 0xe8, (i * 7) & 255, 0, 0, 0],
    ...[0x55, 0xe9, 0xf0, 0xff, 0xff, 0xff],
  ]).flat(),
);

/** ARM branches, as `ARM_FILTERED` holds them. */
export const SAMPLE_ARM = Buffer.from(
  Array.from({ length: 300 }, (_, i) => [i & 255, (i >> 3) & 255, 1, 0xeb]).flat(),
);

export const XZ = Buffer.from(
  [
    "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4ChgA9VdADYaSh8IoCYDTQad+LKlrKdJmlMkslrSIjMRe5ZVfVB7dcOPdEV7",
    "qBgI2kEJhxbn36hMp6fH2DnQjNFRUlCHMpeNOla6PAhIS+3uCR+x+6d2MwEhD5O+fX2wnNbDDs5F6ogMsybSv7XN11LK",
    "KAuy57Yyoi6bpnZhIn5HtLnOh84U/nFjC3586jvX+0UJfuu8s1bh4ktsCDiJZPTh3v6Fk7nFjAqrg3P7+V05oNxtfzqn",
    "JASUYYzMaaZdUN8c5uCwUlziHcPHwTNgU3JUJ6XWyEUXXwOmZLfkr4YmqDZIeKkNbowDeg4GFAsEPHsXDw3eJD9RHWw+",
    "kj00n+c+2TNqaVRrprnYTaw3laHCNoy8Zdb653gHjh6ySoepVtFaUM3sz1Y0mVrqVnfS1j+v+OHE47S/50FjDuZHRVaR",
    "kV+15Z7zLfnQ7H7zgfPKCIUgVHCJVRpq6YKc6kR1rO+2VUPmRFQe7hQ9si5VL3Hmme4uoge+4f2NWKzXE/zGEexgWk5N",
    "3jtEvvO0RBi3Ym7QgH4Nizi15414CwFR3fPbT+vkKK4g75bNctAsEwGgUkEIUO04/f9C6YLexfmnc/F6v1BhOkM8NMnj",
    "Rx+EY5zekJ3592PzHZNURQ2yriB0OQVgzBZPcUzCcYuoVJr70zT/aQ7Fp+Yr9QydaymGgZVq1UrTNM2XESGbCLb9OLgI",
    "/X67esWDQ2pfYS0dOOzQc1a2FWr0bFsPY6yTeae6r0rqj0R+IIQInrk1PraRy5dMyuJ1To2uScNLIExudtZtyOEvc71L",
    "kauqha0d2+XtrZakq9+TTjCf6DixT4dODgOfQ7G6g/HEGiY3FsyxThuDaHkz/4Xzw5CGtShSwF57/NgOyrrnXBsFrOx5",
    "UsebL5mRYxza0edWKvSt7oMIwlHqmePehe5pesynTROg8AhzMXpS8qCt+qgoDX5JhIbRS5oFBAxlkk+RcZFdzht+WS2p",
    "8waZAcExCjGPxFnx+wQpPoJ95PcEr7wSP1fFQFAqv8ISadVkr9g2CzFsocHj1Z6fPO9PShci4pcH4J7CYsvcOBPP4MZL",
    "/9O8/X84tUVM7rIot8n56MG8v6HacLq5fVcPRLkEFRZEOMMmadsB8KX6iBXKsimutC86eHwv5PU5B/bR6l/rE/VhMVUN",
    "MIsT1klpDmzB6p4POgtYwTvhGHksSs6c/OpkmAhyif0ey14f+/6qKjMrrMZTQlWlw10xZ+RXp+WDcrJL+pdMB9aKJI0y",
    "b29eldMeS4rSubCyOTbRXslSJwpNJ9ybBR7UThhv8s5sRWFgMYpT9W3i9XheAAAAAADy9ZLmlYY+FAAB8QfhUAAAnMrE",
    "rbHEZ/sCAAAAAARZWg==",
  ].join(""),
  "base64",
);

export const LZMA = Buffer.from(
  [
    "XQAAgAD//////////wA2GkofCKAmA00GnfiypaynSZpTJLJa0iIzEXuWVX1Qe3XDj3RFe6gYCNpBCYcW59+oTKenx9g5",
    "0IzRUVJQhzKXjTpWujwISEvt7gkfsfundjMBIQ+Tvn19sJzWww7OReqIDLMm0r+1zddSyigLsue2MqIum6Z2YSJ+R7S5",
    "zofOFP5xYwt+fOo71/tFCX7rvLNW4eJLbAg4iWT04d7+hZO5xYwKq4Nz+/ldOaDcbX86pyQElGGMzGmmXVDfHObgsFJc",
    "4h3Dx8EzYFNyVCel1shFF18DpmS35K+GJqg2SHipDW6MA3oOBhQLBDx7Fw8N3iQ/UR1sPpI9NJ/nPtkzamlUa6a52E2s",
    "N5WhwjaMvGXW+ud4B44eskqHqVbRWlDN7M9WNJla6lZ30tY/r/jhxOO0v+dBYw7mR0VWkZFfteWe8y350Ox+84HzygiF",
    "IFRwiVUaaumCnOpEdazvtlVD5kRUHu4UPbIuVS9x5pnuLqIHvuH9jVis1xP8xhHsYFpOTd47RL7ztEQYt2Ju0IB+DYs4",
    "teeNeAsBUd3z20/r5CiuIO+WzXLQLBMBoFJBCFDtOP3/QumC3sX5p3Pxer9QYTpDPDTJ40cfhGOc3pCd+fdj8x2TVEUN",
    "sq4gdDkFYMwWT3FMwnGLqFSa+9M0/2kOxafmK/UMnWsphoGVatVK0zTNlxEhmwi2/Ti4CP1+u3rFg0NqX2EtHTjs0HNW",
    "thVq9GxbD2Osk3mnuq9K6o9EfiCECJ65NT62kcuXTMridU6NrknDSyBMbnbWbcjhL3O9S5GrqoWtHdvl7a2WpKvfk04w",
    "n+g4sU+HTg4Dn0OxuoPxxBomNxbMsU4bg2h5M/+F88OQhrUoUsBee/zYDsq651wbBazseVLHmy+ZkWMc2tHnVir0re6D",
    "CMJR6pnj3oXuaXrMp00ToPAIczF6UvKgrfqoKA1+SYSG0UuaBQQMZZJPkXGRXc4bflktqfMGmQHBMQoxj8RZ8fsEKT6C",
    "feT3BK+8Ej9XxUBQKr/CEmnVZK/YNgsxbKHB49WenzzvT0oXIuKXB+CewmLL3DgTz+DGS//TvP1/OLVFTO6yKLfJ+ejB",
    "vL+h2nC6uX1XD0S5BBUWRDjDJmnbAfCl+ogVyrIprrQvOnh8L+T1OQf20epf6xP1YTFVDTCLE9ZJaQ5sweqeDzoLWME7",
    "4Rh5LErOnPzqZJgIcon9HsteH/v+qiozK6zGU0JVpcNdMWfkV6flg3KyS/qXTAfWiiSNMm9vXpXTHkuK0rmwsjk20V7J",
    "UicKTSfcmwUe1E4Yb/LObEVhYDGKU/Vt4vkv7e////wwN24=",
  ].join(""),
  "base64",
);

export const LZIP = Buffer.from(
  [
    "TFpJUAEQADYaSh8IoCYDTQad+LKlrKdJmlMkslrSIjMRe5ZVfVB7dcOPdEV7qBgI2kEJhxbn36hMp6fH2DnQjNFRUlCH",
    "MpeNOla6PAhIS+3uCR+x+6d2MwEhD5O+fX2wnNbDDs5F6ogMsybSv7XN11LKKAuy57Yyoi6bpnZhIn5HtLnOh84U/nFj",
    "C3586jvX+0UJfuu8s1bh4ktsCDiJZPTh3v6Fk7nFjAqrg3P7+V05oNxtfzqnJASUYYzMaaZdUN8c5uCwUlziHcPHwTNg",
    "U3JUJ6XWyEUXXwOmZLfkr4YmqDZIeKkNbowDeg4GFAsEPHsXDw3eJD9RHWw+kj00n+c+2TNqaVRrprnYTaw3laHCNoy8",
    "Zdb653gHjh6ySoepVtFaUM3sz1Y0mVrqVnfS1j+v+OHE47S/50FjDuZHRVaRkV+15Z7zLfnQ7H7zgfPKCIUgVHCJVRpq",
    "6YKc6kR1rO+2VUPmRFQe7hQ9si5VL3Hmme4uoge+4f2NWKzXE/zGEexgWk5N3jtEvvO0RBi3Ym7QgH4Nizi15414CwFR",
    "3fPbT+vkKK4g75bNctAsEwGgUkEIUO04/f9C6YLexfmnc/F6v1BhOkM8NMnjRx+EY5zekJ3592PzHZNURQ2yriB0OQVg",
    "zBZPcUzCcYuoVJr70zT/aQ7Fp+Yr9QydaymGgZVq1UrTNM2XESGbCLb9OLgI/X67esWDQ2pfYS0dOOzQc1a2FWr0bFsP",
    "Y6yTeae6r0rqj0R+IIQInrk1PraRy5dMyuJ1To2uScNLIExudtZtyOEvc71Lkauqha0d2+XtrZakq9+TTjCf6DixT4dO",
    "DgOfQ7G6g/HEGiY3FsyxThuDaHkz/4Xzw5CGtShSwF57/NgOyrrnXBsFrOx5UsebL5mRYxza0edWKvSt7oMIwlHqmePe",
    "he5pesynTROg8AhzMXpS8qCt+qgoDX5JhIbRS5oFBAxlkk+RcZFdzht+WS2p8waZAcExCjGPxFnx+wQpPoJ95PcEr7wS",
    "P1fFQFAqv8ISadVkr9g2CzFsocHj1Z6fPO9PShci4pcH4J7CYsvcOBPP4MZL/9O8/X84tUVM7rIot8n56MG8v6HacLq5",
    "fVcPRLkEFRZEOMMmadsB8KX6iBXKsimutC86eHwv5PU5B/bR6l/rE/VhMVUNMIsT1klpDmzB6p4POgtYwTvhGHksSs6c",
    "/OpkmAhyif0ey14f+/6qKjMrrMZTQlWlw10xZ+RXp+WDcrJL+pdMB9aKJI0yb29eldMeS4rSubCyOTbRXslSJwpNJ9yb",
    "BR7UThhv8s5sRWFgMYpT9W3i+S/t7////DA3bs8qL2FhKAAAAAAAAPYDAAAAAAAA",
  ].join(""),
  "base64",
);

export const BZIP2 = Buffer.from(
  [
    "QlpoOTFBWSZTWcFzXKEADSpZgEAQQAB/4AtlhABQBh7gKyZgDQKAUwGqfhJhVUBiaFGjIGjTI0Iqf7TSpKNAAFGjIGjT",
    "I0CpJoSZINDalzsIT7BCbunn688ZapedY+MWtnVZvJuhKOCkdNtmvSo6LK3DmboU50rzqUeJpLVxX06Wx7QKKXRJxUxb",
    "OdFTdCWORI6WKm6XG0WDcKzSFi4XnUpUmkHbFevryWx7QL5pi6zBeeydVdM7iYLzpxYuHaYJeHRiOxXaaXnTBLHYduYd",
    "Y6ksHTbdusLHS9eevhetaxTF1vVVa869BCbnmpIb3vjisXld3GQVCXq0o8Tepb9ft5vxPNZJ0Hp76FVi+/w/bQp+3Zu7",
    "vhhOFopy8sFbluz5jHquGtcOZT07aE9UgwhanR+teCoFOjmZ5yQ8eeCVAkLC2x9QK9Fk+LuXPT1CvLUvQ69Xi6dswek9",
    "e50xx7wqk5pdRmjxUXS6HVeK66xN1ipiq5xDN74563F1dOKjeMHNQukqhVbpNUXK++3bRjm5mAraLc9TtbzY45yhFQpm",
    "j7re+5/IUvgmt9u3Q6sFQU+qgzpfBwNNq0cNFnCFux6GK3B3bM42AQTUyQe7cBU7u3itrhOsvg72Xvk/bxB+RSS+ISTQ",
    "QZKBQJXx+bNggE1iZ+Jnqk8a91Tu5+VNJHfIAr3kWWCaFnwJxeL3mE9Y1oxGn7yr48iraOyMTE+EZNnsUwrPWtTrLvQt",
    "kHtV7LmLn4S0WE0iluwYfUi+YLnsKG4IEi4SSg43IjPik4DIDYF57oVYLHgpTn3BMdHaBd8JVVl75v1gFZiTLBNYomDi",
    "7lOSi20epuqPU5vbo5TM7ImOQV+6bUqWlHjHRtONnQQ8cg5LvdDZGFaH6ypJ4+dG5foB98Hbpo8UD7Ag1S4e73d4PCyM",
    "9nvGqPtjFlcefdPcC9rt0ct8cud6ldU5jrahFHjWzIie8wZljyvA2UwwYEm4ZJzxCF4eajwUg8U6pCvPECsnFMspwXlc",
    "vPqFde+VsArYkyybompSngdmEgslWh63moxOdujF0Yz02ialVIK5K12HchPHrQ9fnbhYiy7tCEW8EYaZebVSDsQ3rd7j",
    "j9cCfW4EVyGVb0lGmDc7QU8q87pTZV+zuolGj1QWfu8vvQ5cLrO32U/Rv7itDsNOkYo6VemK2EfS8TBTzdzXOo3q4cCN",
    "vyeVVSdrRDivcSz1BYEu7quMBVBEygfGve9B5UYGDevPBCvl20m9QteGIkC89ISxIXBAikxASmQXBQw6hzDluTy2dUue",
    "v1TAdI9a3y19V7jS2b6+Gqbc4VivUarO86rmsL31eLxy5xBCewhP0IT0EJ2EJQQnYQn8EJ2EJ7CE0EJ4CE7CE5BCYCE/",
    "xdyRThQkMFzXKEA=",
  ].join(""),
  "base64",
);

export const DELTA_FILTERED = Buffer.from(
  [
    "/Td6WFoAAArh+wyhAgEDAQMhARaXj3H84Au3AxFdADYaSh8PXrZN3luSUxVK37QfRPpW1CLFzIObTZ+MjspBVpXDSAPq",
    "coRQjreCXfu6igfqtrrzKofylTypi0EiSTTlCiR+HCCrDN32Bw6evucRx9u8j5P3bDJToWPbK+8GrH6fbiSb05FiJ7ym",
    "ImH7wzjBwSPIU+V4k61fm8T4dFvK0x8xSzeUXApj65apUx5sMTqRT2IQbgt+BMnZD6UrMtucq/DYBBUT5XZ3nTYjNq9O",
    "9dDkiLug3oHMa5B3WLuW/V3SQGzWnxJ+6dXC4cu/qzec/6eRawNZlKL6dwUcHqhhJGsCBjoyvzLE4LEJcSdEwZZZuTnV",
    "kSGjDcREa2DnRcRItRhT39+3DVmVNlZxs4V0+tnMWAqCN259NRCYl9BO6KGpg19ZA2HhJ6Ng3QEagTz2gGkPg3QWkC2X",
    "EU+YtDlv17S2uO9UA1WhILLzVnKpbxWd+XyfucCkwaGLFtFUSfOEsRiX5GtT2MbmDFZDhzrEYu5UZfPZ1GM2q4mMvpQ7",
    "Jez8zl8Yk5aKFDVstn3bohUQ7/+OyOK9+zUe+QTyWSbSb9mfcFygDWwazYoB9rNF5UA2lVAp15CNlUjKnoGJsIuaa/pY",
    "i1u8cj5CsL9Zi0VuRjD/u7tajzkNeg9uyZQG/dlGockUZwOjHBvio9wCxdcZyz/JDK2+33ER/MAz9pS23sZAIq22+v0P",
    "i4fB2EuxvmHD+gMXTU9+FU08hVpQorDUBcdEFXzHNnX6QzT49Fg1g2pXQXN8XoyCiefdB0eGOanR8Cs+D60EDnKsyvZl",
    "rqN3nS8XNgvSgdgxj24kA0OEsXZYtxlvGkwhX1gb3IVmNCWUgxGIV4LTN9l4yivyY3JsZMAtPJusds16eSXYFnQvAs9I",
    "tHxL4Fh/bU+mz0AVn1NVvHQFf+12TlLOP5TnXYNyVzc3xxjIhCwxzhVnjU9vtbBwuSm99pr+Q32FbeseLfwVQqay8HA0",
    "p30sLdB3lrm2CYtRF39lCFfK8EKlB5Tg9L2jGJM5tnT0uYSfop2R0VuGsIiYHwY+6CjxVhuCq68oAAAAAOahQT+s+piq",
    "Sds1F/A1A+mwIqCj992P21FrRZO1Mx8cAAHFBrgXAAD6fZ/MtunfHAIAAAAAClla",
  ].join(""),
  "base64",
);

export const X86_FILTERED = Buffer.from(
  [
    "/Td6WFoAAAFpIt42AgEEACEBFgANhjUf4A4PAqBdAEg5/MAMscGWgyngHjaJcc4yic2tgDEr2YXhmbL82qj5C0R7sTlP",
    "n5cOX6oA5sUpxz3lJHZySrwVkT4HJ3OBKMXcjTBReBP/35Pnf5mJ6iiets/hs7lRgRqr7FzmPi4YKtD688xvPoNsVN1w",
    "wK+o8EHzCdsZAwoaDtAY0VcKdwdg+lMzt6Scz3siF51y9OT8wXmAz01Du6D+h86WPcuwDZo6FQEfS9qSN8VUNwOH0fRf",
    "ABTAekjbAd3IuQRyD2fZfyNm/sgPZ8cQ8cTAJolaF5yvhAMuoz6hlOSaVIk2d+dPPfZ3Y4pUwDr1i+uTvXJUS9B2FAG1",
    "5mGxkIXrAGB3nVA+ZlAJyIIWqvYoBio1aL6yEui191n7HVrtVjpAe7IW44NJbtx3hNTqS4+eeRnuSaxi+O7CTrS+7QbM",
    "WoqVCe7qZ7eBiAU+fxA166ZYkH4KWB5tQqqjkoKTgbZq6SLmxW5RHnflMWJ1W1t0OMPg1Pr/2HuDgHNXB7hC3CL8TRsE",
    "E5HJYwCS5sB3eH5V9HIXeKlufL9r1h91ALIVAyS54gO2BCC2/mc0KD7U/uKXNCndF4AUfixpAsqc4hppN+J/BLIfSWDv",
    "43PN+W1UApouTvHEMDOljfS+Gurs9DJh2NExs8+GZ9nc6cU7ka7SMnj/RHCVCdpqx69N52g+bnqtdrkq9n4BrX19AIds",
    "JXBdPIYyedpgdz9Uz9g44kaTNOHW1FMLdtOPyrxBiaOrmM1ifmdZMb5udarLftUwlK0JQTCVP3b9RmckClzWM48CHqEB",
    "gA+Q/C/EuEoS3YiPOA8Qe7+OZvNKt81+fR0DKNI7eGzq8WX7b4MXrCj90HMW/CvsZlIv29U+/87j4wHqJkzae6xrwr8z",
    "rH6Prt7kBka85eamwAAxL5wcAAG4BZAcAAAFcVBVPjANiwIAAAAAAVla",
  ].join(""),
  "base64",
);

export const ARM_FILTERED = Buffer.from(
  [
    "/Td6WFoAAATm1rRGAgEHACEBFgCj9KGZ4ASvAVVdAAD//E8AslOyUIlYbCvKmtqw/Zu+9DI4+xgyaOn/BUfUBbvsaK++",
    "lZdQRgps55a1qDbSyv7CCZL6P64UpLxt0SvHvKMN5K2gIOlAaYEJrBSuNnU04vcagi5wZD3ammS9igpp7umsORyVzPzG",
    "/Euk+ggZiX6h2g16yWf78bLX8PucHRmjeHl2M+KqP5RQ1g0IaD6abd6LXtUMV2/O0hlvJwd75AtTWwfnP7P7t1hWO4yn",
    "dWZZtxWieZgwtercEaZh7mkmv2YmfUmUoCkzhqB6Fin9qNwD2YbNCnV0IHoQt2uqonA4gV1pTNabsuPk7F3ojvYCLY2L",
    "qvQo8htgFGeRXx+OZlLBOptEQKkzEih4ko7A5U+tvu9mWGy0e6sb4IuXxYOmd1U829wbO2IqdvXkiBbfPhQeYziAeAmF",
    "jn7pVBkOVMemxTkSxkMFDw2V3vSfJZ/8WwBgAAAAACzO8kpm1SduAAHxArAJAAAUOPh1scRn+wIAAAAABFla",
  ].join(""),
  "base64",
);

/** Sixty bytes that do not shrink. */
export const STORED_XZ = Buffer.from(
  [
    "/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQA7DbRbAqlQ955F7JM64Ygv1n0ky3IZwGcOtVwDqlH4n0btlDviiTDXfiXM",
    "cxrBaA+2XQSrUvmgR+6VPOOKAJzMuaNcI+g6AAFUPPxRPtEftvN9AQAAAAAEWVo=",
  ].join(""),
  "base64",
);
