"""A random Kaldi model as a folder of Vosk's: one linear layer over MFCCs, one phone a word, any word after any."""

import struct

import numpy as np

WORDS = ("yes", "no", "pain", "none")
CEPSTRA = 13
SILENCE = 1


def write_kaldi(path, seed=5, dither="0"):
    """Write the folder; phone 1 is silence, phone 2 the first word, and so on."""
    for folder in ("am", "conf", "graph/phones"):
        (path / folder).mkdir(parents=True)
    phones = range(1, len(WORDS) + 2)
    (path / "conf" / "model.conf").write_text(
        "--beam=13.0\n--max-active=7000\n--lattice-beam=1.0\n--acoustic-scale=1.0\n"
        f"--frame-subsampling-factor=3\n--endpoint.silence-phones={SILENCE}\n"
    )
    (path / "conf" / "mfcc.conf").write_text(f"--use-energy=false\n--num-ceps={CEPSTRA}\n--dither={dither}\n")
    (path / "am" / "final.mdl").write_text(_model(phones, np.random.default_rng(seed)))
    symbols = ("<eps>", *WORDS)
    (path / "graph" / "words.txt").write_text("".join(f"{word} {n}\n" for n, word in enumerate(symbols)))
    kinds = ("nonword" if phone == SILENCE else "singleton" for phone in phones)
    lines = (f"{phone} {kind}\n" for phone, kind in zip(phones, kinds, strict=True))
    (path / "graph" / "phones" / "word_boundary.int").write_text("".join(lines))
    (path / "graph" / "HCLG.fst").write_bytes(_graph(phones))
    return str(path)


def _model(phones, rng):
    """Transitions and network in Kaldi's text format."""
    n = len(phones)
    triples = "".join(f"{phone} 0 {pdf}\n" for pdf, phone in enumerate(phones))
    logs = " ".join(["0", *(["-0.693147"] * (2 * n))])
    linear = rng.normal(0, 0.3, (n, CEPSTRA))
    linear[:, 0] = 0
    weights = "\n".join(" ".join(f"{value:.5f}" for value in row) for row in linear)
    return (
        "<TransitionModel> \n<Topology> \n<TopologyEntry> \n<ForPhones> \n"
        f"{' '.join(map(str, phones))} \n</ForPhones> \n"
        "<State> 0 <PdfClass> 0 <Transition> 0 0.5 <Transition> 1 0.5 </State> \n<State> 1 </State> \n"
        "</TopologyEntry> \n</Topology> \n"
        f"<Triples> {n} \n{triples}</Triples> \n<LogProbs> \n [ {logs} ]\n</LogProbs> \n</TransitionModel> \n"
        f"<Nnet3> \ninput-node name=input dim={CEPSTRA}\n"
        "component-node name=affine component=affine input=input\n"
        "output-node name=output input=affine objective=linear\n\n"
        f"<NumComponents> 1 \n<ComponentName> affine <FixedAffineComponent> <LinearParams>  [\n{weights} ]\n"
        f"<BiasParams>  [ {' '.join(['0'] * n)} ]\n</FixedAffineComponent> \n</Nnet3> \n"
        "<LeftContext> 0 <RightContext> 0 <Priors>  [ ]\n"
    )


def _graph(phones):
    """The decoding graph in OpenFst's binary format: from the start into any phone, and from its end back."""
    states = [(0.0, [(2 * phone, phone - SILENCE, 3.0, phone) for phone in phones])]
    states += [(0.0, [(2 * phone - 1, 0, 0.0, phone), (0, 0, 0.0, 0)]) for phone in phones]
    arcs = sum(len(leaving) for _, leaving in states)
    data = struct.pack("<i", 2125659606)
    for name in (b"vector", b"standard"):
        data += struct.pack("<i", len(name)) + name
    data += struct.pack("<iiQqqq", 2, 0, 3, 0, len(states), arcs)
    for final, leaving in states:
        data += struct.pack("<fq", final, len(leaving))
        data += b"".join(struct.pack("<iifi", *arc) for arc in leaving)
    return data
