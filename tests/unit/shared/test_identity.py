from shared.identity import Identity, PublicIdentity

SEED = bytes(range(32))


def test_a_public_identity_stays_what_it_was() -> None:
    """Deployments hold it: another derivation would lock everyone out."""
    assert str(Identity(SEED).public) == (
        "UAB2CB576PHBBPQ5ODORRZ2LYCMWPZGWGCN2KDK7DXOIMZASKUY3RLKK."
        "06IrxejWAa8QSvCfJvzTinMQLus3oF2Jpky7FQ8hJ0Y"
    )


def test_a_public_identity_is_read_as_it_is_written() -> None:
    public = Identity(SEED).public

    assert PublicIdentity.parse(str(public)) == public


def test_a_derived_key_is_of_one_identity_and_one_purpose() -> None:
    keys = {
        Identity(SEED).derive_key("one"),
        Identity(SEED).derive_key("two"),
        Identity(bytes(32)).derive_key("one"),
    }

    assert len(keys) == 3
    assert Identity(SEED).derive_key("one") in keys
