//! Where the files go.

use std::net::Ipv4Addr;
use std::path::{Component, Path, PathBuf};

use url::Url;

/// What `url:` means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// `s3://bucket/prefix`; the prefix has no slash at either end and may be empty.
    Bucket { bucket: String, prefix: String },
    /// An absolute local folder.
    Folder(PathBuf),
}

impl Location {
    /// Reads `url:`. Relative paths start from `folder`. Errors: what is wrong with it, and what would be right.
    pub(crate) fn parse(url: &str, folder: &Path) -> Result<Self, String> {
        let expected = "expected s3://bucket/prefix, file:///folder, or a path relative to the pipeline file";
        if url.trim().is_empty() {
            return Err(format!("the url is empty, {expected}"));
        }
        match url.split_once("://") {
            Some(("s3", rest)) => parse_bucket(rest),
            Some(("s3a" | "s3n", rest)) => Err(format!("`{url}` is Hadoop's spelling, write `s3://{rest}`")),
            Some(("file", _)) => parse_file(url),
            Some((scheme, _)) => Err(format!("`{scheme}://` is not supported, {expected}")),
            None if url.starts_with("file:") || url.starts_with("s3:") => {
                Err(format!("`{url}` lacks `//`, {expected}"))
            }
            None => Ok(Self::Folder(normalized(&folder.join(url)))),
        }
    }

    /// It as a URL, with a slash at its end.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Bucket { bucket, prefix } if prefix.is_empty() => format!("s3://{bucket}/"),
            Self::Bucket { bucket, prefix } => format!("s3://{bucket}/{prefix}/"),
            Self::Folder(folder) => file_url(folder) + "/",
        }
    }

    /// The URL of the file at `path` below it. A file URL is percent-encoded, as they are; an S3 URL holds the key as
    /// it is, as Glue and Athena write it.
    pub(crate) fn url_of(&self, path: &str) -> String {
        match self {
            Self::Bucket { .. } => self.url() + path,
            Self::Folder(folder) => file_url(&folder.join(path)),
        }
    }
}

fn file_url(path: &Path) -> String {
    // Fails for relative paths alone, and `parse` makes none if the folder it gets is absolute.
    let url = Url::from_file_path(path).map_or_else(|()| format!("file://{}", path.display()), String::from);
    url.trim_end_matches('/').to_owned()
}

fn parse_bucket(rest: &str) -> Result<Location, String> {
    // No bucket has these in its name, but a password may hold a slash.
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.contains([':', '@']) && rest.contains('@') {
        return Err(
            "the url holds credentials, which messages would show; use access_key_id and secret_access_key".into()
        );
    }
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    check_bucket(bucket)?;
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    if !prefix.is_empty() {
        prefix.split('/').try_for_each(|segment| check_segment(prefix, segment))?;
    }
    if prefix.len() > 512 {
        return Err(format!("the prefix has {} bytes, expected at most 512: a whole key may have 1024", prefix.len()));
    }
    Ok(Location::Bucket { bucket: bucket.into(), prefix: prefix.into() })
}

/// The rules of S3 for general purpose buckets ("Amazon S3 User Guide", bucket naming rules).
fn check_bucket(bucket: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let named = |c: char| plain(c) || matches!(c, '.' | '-');
    let expected = "expected 3 to 63 lower-case letters, digits, dots and hyphens, as in s3://bucket/prefix";
    if !(3..=63).contains(&bucket.len()) || !bucket.chars().all(named) {
        return Err(format!("`{bucket}` is no bucket name, {expected}"));
    }
    let why = if !bucket.starts_with(plain) || !bucket.ends_with(plain) {
        "expected a letter or digit at its beginning and end"
    } else if bucket.contains("..") {
        "expected no two dots side by side"
    } else if bucket.parse::<Ipv4Addr>().is_ok() {
        "expected a name that is no IP address"
    } else if bucket.starts_with("xn--") || bucket.starts_with("sthree-") {
        "expected another beginning, for S3 keeps this one for itself"
    } else {
        return Ok(());
    };
    Err(format!("`{bucket}` is no bucket name, {why}"))
}

fn check_segment(prefix: &str, segment: &str) -> Result<(), String> {
    match segment {
        "" => Err(format!("the prefix `{prefix}` holds an empty folder name, remove the slash too many")),
        "." | ".." => Err(format!(
            "the prefix `{prefix}` holds `{segment}`, which an object store takes literally; write the folder's name"
        )),
        _ if segment.chars().any(char::is_control) => Err("the prefix holds a control character, remove it".into()),
        _ => Ok(()),
    }
}

fn parse_file(url: &str) -> Result<Location, String> {
    let expected = "expected an absolute path, such as file:///data/out";
    if url.contains('@') && Url::parse(url).is_ok_and(|url| url.host().is_some()) {
        return Err(format!("the url holds a user, {expected}"));
    }
    let parsed = Url::parse(url).map_err(|error| format!("`{url}` is no URL ({error}), {expected}"))?;
    if parsed.host().is_some() || parsed.query().is_some() || parsed.fragment().is_some() {
        return Err(format!("`{url}` holds a host, `?` or `#`, {expected}"));
    }
    match parsed.to_file_path() {
        Ok(path) => Ok(Location::Folder(normalized(&path))),
        Err(()) => Err(format!("`{url}` is no path on this machine, {expected}")),
    }
}

/// The path without `.` and `..`, so that one folder has one URL.
fn normalized(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Result<String, String> {
        Location::parse(text, Path::new("/home/me/pipelines")).map(|location| location.url())
    }

    #[test]
    fn every_way_to_name_a_place_becomes_one_url_with_a_slash_at_its_end() {
        for (text, expected) in [
            ("s3://lake", "s3://lake/"),
            ("s3://lake/", "s3://lake/"),
            ("s3://lake/a:b@c", "s3://lake/a:b@c/"),
            ("s3://lake/stocks/daily/", "s3://lake/stocks/daily/"),
            ("file:///data/my%20out/", "file:///data/my%20out/"),
            ("out/stocks", "file:///home/me/pipelines/out/stocks/"),
            ("./../out", "file:///home/me/out/"),
            ("/data/50%", "file:///data/50%25/"),
        ] {
            assert_eq!(url(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_place_that_is_none_is_refused_with_what_would_be_right() {
        for (text, part) in [
            ("", "is empty"),
            ("s3://", "no bucket name"),
            ("s3://Lake/x", "lower-case"),
            ("s3://lake//x", "empty folder name"),
            ("s3://lake/a/../b", "literally"),
            ("s3a://lake/x", "write `s3://lake/x`"),
            ("gs://lake/x", "`gs://` is not supported"),
            ("file://data/out", "file:///data/out"),
            ("s3:/lake", "lacks `//`"),
            ("s3://-lake/x", "at its beginning and end"),
            ("s3://lake./x", "at its beginning and end"),
            ("s3://la..ke/x", "no two dots"),
            ("s3://192.168.0.1/x", "no IP address"),
            ("s3://xn--lake/x", "for itself"),
            ("s3://me:secret@lake/x", "use access_key_id"),
            ("s3://me@lake/x", "use access_key_id"),
            ("s3://me:sec/ret@lake/x", "use access_key_id"),
        ] {
            let message = url(text).unwrap_err();
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    #[test]
    fn the_url_of_a_file_begins_with_the_location_and_leads_back_to_its_path() {
        let folder = Location::Folder("/data/my out".into());
        let file = folder.url_of("k=a%3Ab/t+0+1-2.json");
        assert!(file.starts_with(&folder.url()), "{file}");
        assert_eq!(Url::parse(&file).unwrap().to_file_path(), Ok("/data/my out/k=a%3Ab/t+0+1-2.json".into()));
        let bucket = Location::Bucket { bucket: "lake".into(), prefix: "p".into() };
        assert_eq!(bucket.url_of("k=a%3Ab/f.json"), "s3://lake/p/k=a%3Ab/f.json");
    }
}
