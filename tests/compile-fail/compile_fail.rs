//! What the attributes refuse, and the words they do it with. Each case names the mistake and the
//! cure.

#[test]
fn compile_fail() {
    trybuild::TestCases::new().compile_fail("cases/*.rs");
}
