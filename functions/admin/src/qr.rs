//! QR codes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qrcode::render::svg;
use qrcode::{Color, EcLevel, QrCode};
use serde::Serialize;
use shared::error::{Error, Result};
use utoipa::ToSchema;

/// White around the code, in its modules: ISO/IEC 18004 asks for four.
const QUIET: usize = 4;
/// Pixels of one module in the PNG.
const SCALE: usize = 8;

/// A QR code, to be shown or printed.
#[derive(Serialize, ToSchema)]
pub(crate) struct QrView {
    /// The code as SVG.
    svg: String,
    /// The code as PNG, in base64.
    png: String,
}

impl QrView {
    /// The code of a text.
    ///
    /// # Errors
    /// Internal when the text is too long for any code: 2,331 bytes.
    pub(crate) fn of(text: &str) -> Result<Self> {
        // A quarter of it may be hidden or dirty: such codes hang on walls.
        let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(Error::internal)?;
        let svg = code.render::<svg::Color<'_>>().min_dimensions(256, 256).quiet_zone(true).build();
        Ok(Self { svg, png: STANDARD.encode(png(&code)?) })
    }
}

/// One bit a pixel: 1 is white.
fn png(code: &QrCode) -> Result<Vec<u8>> {
    let side = (code.width() + 2 * QUIET) * SCALE;
    let size = u32::try_from(side).map_err(Error::internal)?;
    let is_dark = |x: usize, y: usize| {
        let (Some(x), Some(y)) = ((x / SCALE).checked_sub(QUIET), (y / SCALE).checked_sub(QUIET)) else {
            return false;
        };
        x < code.width() && y < code.width() && code[(x, y)] == Color::Dark
    };
    let row = |y: usize| {
        (0..side / 8)
            .map(move |byte| (0..8).fold(0, |bits, bit| (bits << 1) | u8::from(!is_dark(byte * 8 + bit, y))))
    };
    let pixels: Vec<u8> = (0..side).flat_map(row).collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, size, size);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header().map_err(Error::internal)?;
    writer.write_image_data(&pixels).map_err(Error::internal)?;
    writer.finish().map_err(Error::internal)?;
    Ok(file)
}
