//! A pipeline file of any bytes gives a plan, or diagnostics that name the file.

#![no_main]

use std::cell::OnceCell;

use libfuzzer_sys::fuzz_target;
use pipeline_api::Registry;
use pipeline_runtime::file::{LoadOptions, load};
use tempfile::TempDir;
use {pipeline_csv as _, pipeline_json as _, pipeline_s3 as _, pipeline_transforms as _};

thread_local! {
    static PLACE: OnceCell<(TempDir, Registry)> = const { OnceCell::new() };
}

fuzz_target!(|bytes: &[u8]| {
    PLACE.with(|place| {
        let (folder, registry) = place.get_or_init(|| (tempfile::tempdir().unwrap(), Registry::linked().unwrap()));
        let path = folder.path().join("pipeline.yaml");
        std::fs::write(&path, bytes).unwrap();
        let mut options = LoadOptions::default();
        options.env.insert("SET".into(), "value".into());
        match futures::executor::block_on(load(&path, &options, registry)) {
            Ok(loaded) => assert_eq!(loaded.warnings.errors(), 0),
            Err(diagnostics) => {
                assert!(diagnostics.errors() > 0);
                let said = diagnostics.to_string();
                assert!(said.contains("pipeline.yaml"), "{said}");
            }
        }
    });
});
